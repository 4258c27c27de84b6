// Sends the samples with @medplum/hl7: first one after the other, then all at once over one link.

import { library, numberOf, samples, single, target, tell, version } from "./samples.mjs";

const { Hl7Message } = library("@medplum/core");
const { Hl7Client } = library("@medplum/hl7");

async function exchange(client, name, text, together) {
  const number = numberOf(text);
  try {
    const answer = await client.sendAndWait(Hl7Message.parse(text), { timeoutMs: 5000 });
    const msa = answer.getSegment("MSA");
    tell({ sample: name, number, code: msa.getField(1).toString(), answers: msa.getField(2).toString(), together });
  } catch (error) {
    tell({ sample: name, number, code: "", answers: "", remark: error.message, together });
  }
}

const messages = [...samples()].flatMap(({ name, encoding, text }) =>
  single(text).map((one) => ({ name, encoding, text: one })),
);
tell({ client: "@medplum/hl7", version: version("@medplum/hl7") });
for (const encoding of ["utf-8", "latin1"]) {
  const client = new Hl7Client({ ...target, encoding });
  const mine = messages.filter((each) => each.encoding === encoding);
  for (const { name, text } of mine) await exchange(client, name, text, false);
  await Promise.all(mine.map(({ name, text }) => exchange(client, name, text, true)));
  await client.close();
}
process.exit(0);
