import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.bouncycastle.crypto.digests.Blake2bDigest;

/** A milestone as it travels on coaching.milestones.v1: id, value and headers as every publisher of them writes. */
record Milestone(
    Rule rule, int threshold, String occurrence, int value, Event cause, String habit, int beganOn, ClientState state) {
  /** The rules of the bench that its events can reach; see rulebook.yaml. */
  enum Rule {
    FIRST_SESSION("first-session", "count", "First session", "micro", null),
    THIRTY_SIX("thirty-six", "count", "Thirty six", "major", "graduation"),
    IRON_STREAK("iron-streak", "streak", "Iron streak", "streak", null);

    final String id, kind, title, tier, moment;

    Rule(String id, String kind, String title, String tier, String moment) {
      this.id = id;
      this.kind = kind;
      this.title = title;
      this.tier = tier;
      this.moment = moment;
    }
  }

  private static final JsonFactory JSON = new JsonFactory();
  private static final String RULEBOOK = System.getenv("BENCH_RULEBOOK_DIGEST");
  private static final DateTimeFormatter TIME = DateTimeFormatter.ISO_OFFSET_DATE_TIME;

  /** BLAKE2b-128 over the length-prefixed parts. */
  String id() {
    Blake2bDigest digest = new Blake2bDigest(128);
    for (String part : new String[] {
        cause.tenant(), cause.client(), rule.id, Integer.toString(threshold), occurrence}) {
      byte[] raw = part.getBytes(StandardCharsets.UTF_8);
      digest.update(ByteBuffer.allocate(4).putInt(raw.length).array(), 0, 4);
      digest.update(raw, 0, raw.length);
    }
    byte[] hash = new byte[16];
    digest.doFinal(hash, 0);
    return HexFormat.of().formatHex(hash);
  }

  Headers headers() {
    RecordHeaders headers = new RecordHeaders();
    String[][] attributes = {
        {"ce_specversion", "1.0"}, {"ce_id", id() + ":1:reached"}, {"ce_source", "cairn/tracker"},
        {"ce_type", "milestone.reached"}, {"ce_subject", cause.client()}, {"ce_time", TIME.format(at())},
        {"ce_tenantid", cause.tenant()}, {"content-type", "application/json"}};
    for (String[] each : attributes) {
      headers.add(each[0], each[1].getBytes(StandardCharsets.UTF_8));
    }
    return headers;
  }

  byte[] encode() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
    try (JsonGenerator json = JSON.createGenerator(bytes)) {
      json.writeStartObject();
      json.writeStringField("type", "milestone.reached");
      json.writeStringField("tenant", cause.tenant());
      json.writeStringField("client", cause.client());
      json.writeStringField("milestone_id", id());
      json.writeNumberField("revision", 1);
      json.writeStringField("rule", rule.id);
      json.writeStringField("kind", rule.kind);
      json.writeStringField("name", rule.title);
      json.writeStringField("tier", rule.tier);
      json.writeNumberField("threshold", threshold);
      json.writeStringField("occurrence", occurrence);
      json.writeNumberField("value", value);
      json.writeStringField("reached_at", TIME.format(at()));
      json.writeStringField("rulebook", RULEBOOK);
      json.writeStringField("moment", rule.moment);
      json.writeStringField("caused_by", cause.id());
      writeFacts(json);
      json.writeEndObject();
    } catch (IOException impossible) {
      throw new IllegalStateException(impossible); // it writes into memory
    }
    return bytes.toByteArray();
  }

  private OffsetDateTime at() {
    return cause.at().withOffsetSameInstant(ZoneOffset.UTC);
  }

  private void writeFacts(JsonGenerator json) throws IOException {
    json.writeObjectFieldStart("facts");
    json.writeBooleanField("inferred", false);
    if (habit == null) {
      json.writeNumberField("count", value);
      json.writeNumberField("session_number", value);
    } else {
      json.writeStringField("habit_id", habit);
      json.writeNumberField("streak_days", value);
      json.writeStringField("streak_began_on", LocalDate.ofEpochDay(beganOn).toString());
    }
    json.writeObjectFieldStart("so_far");
    json.writeNumberField("sessions", state.sessions);
    json.writeNumberField("goals", 0);
    json.writeNumberField("current_streak", state.currentStreak(cause.day()));
    json.writeNumberField("longest_streak", state.longestStreak());
    json.writeObjectFieldStart("percents");
    json.writeEndObject();
    json.writeEndObject();
    json.writeEndObject();
  }
}
