// Prints every milestone: node consume.js BOOTSTRAP_SERVERS (npm install @platformatic/kafka)
import { Consumer, FetchIsolationLevels, stringDeserializers } from '@platformatic/kafka'

const consumer = new Consumer({
  clientId: 'my-node-app',
  groupId: 'my-node-subscriber',
  bootstrapBrokers: process.argv[2].split(','),
  deserializers: stringDeserializers,
  isolationLevel: FetchIsolationLevels.READ_COMMITTED, // else milestones of aborted transactions would be read
  autocommit: false // committed below, when it is handled
})
const handled = new Set() // yours: a table with this key, written in one transaction with what you do
const topics = ['coaching.milestones.v1']
for await (const record of await consumer.consume({ topics, mode: 'committed', fallbackMode: 'earliest' })) {
  const { milestone_id: id, revision, type, name } = JSON.parse(record.value)
  const identity = `${id} ${revision} ${type}`
  if (!handled.has(identity)) {
    console.log(type, record.key, name, id, revision)
    handled.add(identity)
  }
  await record.commit()
}
