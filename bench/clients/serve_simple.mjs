// A server with simple-hl7 that acknowledges everything and stores nothing: node serve_simple.mjs PORT NODE_MODULES

import { createRequire } from "node:module";
import { join } from "node:path";

const [port, modules] = process.argv.slice(2);
const hl7 = createRequire(join(modules, "here.cjs"))("simple-hl7");

const server = hl7.tcp();
server.use((_request, response) => response.end());
server.start(Number(port));
