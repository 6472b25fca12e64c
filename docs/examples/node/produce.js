// Publishes that a habit was checked: node produce.js BOOTSTRAP_SERVERS (npm install @platformatic/kafka)
import { Producer, compatibilityPartitioner, stringSerializers } from '@platformatic/kafka'

const now = new Date().toISOString()
const event = {
  specversion: '1.0',
  id: `morning-walk-${now.slice(0, 10)}`, // made of what happened: sent twice, it counts once
  source: 'my-node-app',
  type: 'habit.checked',
  subject: 'c_7k2d',
  tenantid: 'iron-and-oak',
  time: now,
  data: { habit_id: 'morning-walk', title: 'Morning walk' }
}
const producer = new Producer({
  clientId: 'my-node-app',
  bootstrapBrokers: process.argv[2].split(','),
  serializers: stringSerializers,
  partitioner: compatibilityPartitioner, // as the Java client does; this client's default keeps the sign bit
  idempotent: true // acks=all, in order, no doubles by retries
})
const sent = await producer.send({
  messages: [{
    topic: 'coaching.events.v1',
    key: 'iron-and-oak/c_7k2d',
    value: JSON.stringify(event),
    headers: { 'content-type': 'application/cloudevents+json' }
  }]
})
console.log(`partition ${sent.offsets[0].partition}`)
await producer.close()
