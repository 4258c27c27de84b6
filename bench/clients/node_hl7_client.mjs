// Sends the samples with node-hl7-client: one connection for each character set, one message after the other.

import { library, numberOf, samples, target, tell, version, within } from "./samples.mjs";

const { Client, FileBatch, Message } = library("node-hl7-client");
const client = new Client({ host: target.host });
const links = new Map();

function linkFor(encoding) {
  if (!links.has(encoding)) {
    const link = { heard: () => {} };
    link.connection = client.createConnection({ port: target.port, encoding }, async (answer) => {
      const message = answer.getMessage();
      link.heard({ code: message.get("MSA.1").toString(), answers: message.get("MSA.2").toString() });
    });
    link.connection.on("data.error", (error) => link.heard({ code: "", answers: "", remark: error.message }));
    links.set(encoding, link);
  }
  return links.get(encoding);
}

tell({ client: "node-hl7-client", version: version("node-hl7-client") });
for (const { name, encoding, text } of samples()) {
  const number = numberOf(text);
  try {
    const message = text.startsWith("FHS") ? new FileBatch({ text }) : new Message({ text });
    const link = linkFor(encoding);
    const answer = new Promise((resolve) => (link.heard = resolve));
    await link.connection.sendMessage(message);
    tell({ sample: name, number, ...(await within(5000, answer)) });
  } catch (error) {
    tell({ sample: name, number, code: "", answers: "", remark: error.message });
  }
}
client.closeAll();
process.exit(0);
