// A server with @medplum/hl7 that acknowledges everything and stores nothing: node serve_medplum.mjs PORT NODE_MODULES

import { createRequire } from "node:module";
import { join } from "node:path";

const [port, modules] = process.argv.slice(2);
const { Hl7Server } = createRequire(join(modules, "here.cjs"))("@medplum/hl7");

const server = new Hl7Server((connection) => {
  connection.addEventListener("message", (event) => connection.send(event.message.buildAck()));
});
server.start(Number(port));
