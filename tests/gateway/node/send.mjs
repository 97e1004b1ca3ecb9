// Sends COUNT events in four parts, each when a line comes on standard input; then tells as JSON what was delivered.
//   node send.mjs URL KEY COUNT
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { Analytics } from '@segment/analytics-node'

const [host, writeKey, count] = process.argv.slice(2)
const analytics = new Analytics({ host, writeKey, flushAt: 100, flushInterval: 200, maxRetries: 60 })
const told = { ids: [], errors: 0, requests: 0 }
analytics.on('http_request', () => told.requests++)
analytics.on('error', () => told.errors++)

function send(number) {
  const userId = `node-${number % 50}`
  const done = (error, context) => error || told.ids.push(context.event.messageId)
  switch (number % 10) {
    case 0: return analytics.identify({ userId, traits: { number } }, done)
    case 1: return analytics.page({ userId, name: 'Pricing', properties: { number } }, done)
    case 2: return analytics.screen({ userId, name: 'Home', properties: { number } }, done)
    case 3: return analytics.group({ userId, groupId: 'g1', traits: { number } }, done)
    case 4: return analytics.alias({ userId, previousId: `node-anonymous-${number % 50}` }, done)
    default: return analytics.track({ userId, event: 'Step', properties: { number, text: 'Zoë 😀' } }, done)
  }
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
let number = 0
for (let part = 1; part <= 4; part++) {
  await lines.next()
  while (number < (count / 4) * part) {
    send(number++)
    if (number % 50 === 0) await sleep(40)
  }
}
await analytics.closeAndFlush({ timeout: 60_000 })
process.stdout.write(JSON.stringify(told), () => process.exit(0))
