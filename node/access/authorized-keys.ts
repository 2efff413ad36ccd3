import { createHash } from "node:crypto";
import type { AccessKey } from "../protocol.ts";

const HEADER = "# Written by Gatehouse from the fleet's `access`; edits are refused at the next run.";
const MARK = "gatehouse:";

/** sshd(8): within the quotes of an option only a double quote is escaped. */
function quoted(text: string): string {
  return `"${text.replaceAll('"', '\\"')}"`;
}

/**
 * One line of authorized_keys: everything is off but what the spec gives. A key without a command gets one that does
 * nothing, so that it never opens a shell; `restrict` also covers what later versions of sshd add.
 */
function line({ principal, publicKey, from, command, tunnelPort }: AccessKey): string {
  const options = [
    "restrict",
    `command=${quoted(command ?? "/usr/sbin/nologin")}`,
    ...(from.length === 0 ? [] : [`from=${quoted(from.join(","))}`]),
    // forwarding covers both directions: a listener on the node would have to be port 1, which needs root
    ...(tunnelPort === null
      ? []
      : ["port-forwarding", `permitopen=${quoted(`127.0.0.1:${tunnelPort}`)}`, 'permitlisten="127.0.0.1:1"']),
  ];
  return `${options.join(",")} ${publicKey} ${MARK}${principal}`;
}

/** The whole file. */
export function authorizedKeys(keys: readonly AccessKey[]): string {
  return [HEADER, ...keys.map(line), ""].join("\n");
}

/** Keys of a file that Gatehouse did not write: how many there are, nothing of what they say. */
export function foreignKeys(file: string): number {
  return file
    .split("\n")
    .filter((text) => text.trim() !== "" && !text.startsWith("#") && !/ gatehouse:[a-z0-9-]+$/.test(text)).length;
}

/** `SHA256:…` of a public key, as OpenSSH shows it. */
export function keyFingerprint(publicKey: string): string {
  const blob = Buffer.from(publicKey.split(" ")[1] ?? "", "base64");
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}
