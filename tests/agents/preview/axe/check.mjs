// Opens every page of a gallery in Chromium, light and dark, and prints what axe-core finds as one JSON list.
// Usage: node check.mjs NODE_MODULES CHROMIUM GALLERY
import { readFile, readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, executablePath, gallery] = process.argv.slice(2);
const require = createRequire(join(resolve(modules), "x.js"));
const { chromium } = require("playwright-core");
const axe = await readFile(require.resolve("axe-core/axe.min.js"), "utf8");
const quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
  "--disable-sync", "--no-first-run"];
// The parts of WCAG 2.2 A and AA, and what axe's authors count as good practice.
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
// Frames show the mails, which are opened by themselves.
// A letter has no heading: its subject is one, and the mail reader shows it.
const options = (name) => ({
  runOnly: { type: "tag", values: tags },
  rules: { "page-has-heading-one": { enabled: !name.startsWith("mails/") } },
  iframes: false,
});

const browser = await chromium.launch({ executablePath, args: quiet });
const found = [];
// Of the mails of a scene one: they differ in names and phrasings.
const scene = (name) => name.replace(/-\d{3}-/, "-");
const all = (await readdir(join(gallery, "mails"))).filter((name) => name.endsWith(".html")).sort();
const mails = all.filter((name, at) => at === 0 || scene(name) !== scene(all[at - 1]));
const pages = [...mails.map((name) => `mails/${name}`), ...(await readdir(gallery)).filter((name) => name.endsWith(".html"))];
for (const colorScheme of ["light", "dark"]) {
  const context = await browser.newContext({ colorScheme, viewport: { width: 400, height: 900 } });
  const page = await context.newPage();
  await page.route("**/*", (route) => {
    const asked = route.request();
    const framed = asked.isNavigationRequest() && asked.frame() !== page.mainFrame();
    return asked.url().startsWith("file:") && !framed ? route.continue() : route.abort();
  });
  for (const name of pages) {
    await page.goto(pathToFileURL(join(resolve(gallery), name)).href);
    await page.evaluate(axe);
    const { violations } = await page.evaluate((chosen) => globalThis.axe.run(document, chosen), options(name));
    for (const { id, help, nodes } of violations) {
      found.push({ page: name, colorScheme, id, help, count: nodes.length, example: nodes[0].html.slice(0, 200) });
    }
  }
  await context.close();
}
await browser.close();
console.log(JSON.stringify({ pages: pages.length, found }));
