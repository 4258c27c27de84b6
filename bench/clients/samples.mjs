// What both scripts need: the samples, their character set, and a line of JSON for each answer.
//
// node SCRIPT HOST PORT SAMPLES NODE_MODULES

import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [host, port, folder, modules] = process.argv.slice(2);

export const target = { host, port: Number(port) };

// The libraries stand in a folder of their own, outside of ours, where `import` does not look.
export const library = createRequire(join(modules, "here.cjs"));

export function version(name) {
  return JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8")).version;
}

export function* samples() {
  for (const name of readdirSync(folder).filter((each) => each.endsWith(".hl7")).sort()) {
    const bytes = readFileSync(join(folder, name));
    const header = bytes.subarray(0, bytes.indexOf(13)).toString("latin1");
    const encoding = header.includes("8859/1") ? "latin1" : "utf-8";
    yield { name, encoding, text: bytes.toString(encoding) };
  }
}

// The messages of a batch one by one, for who knows no batch.
export function single(text) {
  const messages = [];
  for (const segment of text.split("\r").filter((each) => each)) {
    if (segment.startsWith("MSH")) messages.push([]);
    if (messages.length && !/^[FB][HT]S/.test(segment)) messages.at(-1).push(segment);
  }
  return messages.map((segments) => segments.join("\r") + "\r");
}

// MSH-10 of a message, or the batch's own number: what MSA-2 must be.
export function numberOf(text) {
  const header = text.split("\r").find((segment) => segment.startsWith("BHS") || segment.startsWith("MSH"));
  const fields = header.split(header[3]);
  return header.startsWith("BHS") ? fields[10] : fields[9];
}

export function tell(line) {
  process.stdout.write(JSON.stringify(line) + "\n");
}

export function within(milliseconds, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer in time")), milliseconds);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
