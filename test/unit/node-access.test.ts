import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { authorizedKeys, foreignKeys, keyFingerprint } from "../../node/access/authorized-keys.ts";
import { accessPhase } from "../../node/access/index.ts";
import type { AccessKey } from "../../node/protocol.ts";

const PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const key = (changes: Partial<AccessKey> = {}): AccessKey => ({
  principal: "runner-1",
  publicKey: PUBLIC,
  from: [],
  command: null,
  tunnelPort: 18789,
  ...changes,
});

/** The only key line of the file. */
const line = (changes: Partial<AccessKey>): string => authorizedKeys([key(changes)]).split("\n")[1] ?? "";

describe("authorized_keys", () => {
  it("opens a tunnel to the gateway's port, and no shell", () => {
    expect(line({})).toBe(
      `restrict,command="/usr/sbin/nologin",port-forwarding,permitopen="127.0.0.1:18789",permitlisten="127.0.0.1:1" ${PUBLIC} gatehouse:runner-1`,
    );
  });

  it("runs the one command and forwards nothing where there is no tunnel", () => {
    expect(line({ command: '/usr/bin/printf "%s" x', tunnelPort: null })).toBe(
      `restrict,command="/usr/bin/printf \\"%s\\" x" ${PUBLIC} gatehouse:runner-1`,
    );
  });

  it("names the sources", () => {
    expect(line({ from: ["192.0.2.0/24", "*.ci.example"] })).toContain(',from="192.0.2.0/24,*.ci.example",');
  });

  it("is what OpenSSH itself can read", () => {
    const directory = mkdtempSync(join(tmpdir(), "gatehouse-access-"));
    const path = join(directory, "authorized_keys");
    writeFileSync(path, authorizedKeys([key({ command: '/bin/echo "a b"', from: ["192.0.2.1"] }), key()]));
    const read = execFileSync("ssh-keygen", ["-l", "-f", path], { encoding: "utf8" }).trimEnd().split("\n");
    rmSync(directory, { recursive: true });
    expect(read).toHaveLength(2);
    for (const shown of read) expect(shown).toContain(`${keyFingerprint(PUBLIC)} gatehouse:runner-1`);
  });

  it("of somebody else is noticed", () => {
    expect(foreignKeys(authorizedKeys([key(), key()]))).toBe(0);
    expect(foreignKeys("")).toBe(0);
    expect(foreignKeys(`# a comment\n\n${PUBLIC} me@laptop\n${PUBLIC}\n`)).toBe(2);
  });
});

describe("the payload of the access phase", () => {
  const payload = { machine: {}, gateway: "team-a", user: "oc-a", home: "/home/oc-a", keys: [key()] };

  it("is passed on as it is", () => {
    expect(accessPhase.check(payload)).toEqual(payload);
  });

  it.each([
    ["principal", "../up"],
    ["publicKey", `${PUBLIC} comment`],
    ["publicKey", `command="x" ${PUBLIC}`],
    ["publicKey", undefined],
    ["from", ['1.2.3.4",command="/bin/sh']],
    ["command", "/bin/sh\nssh-ed25519 AAAA"],
    ["command", "sh"],
    ["command", undefined],
    ["tunnelPort", 22],
    ["tunnelPort", undefined],
  ])("with a wrong %s (%j) is refused", (field, value) => {
    expect(() => accessPhase.check({ ...payload, keys: [{ ...key(), [field]: value }] })).toThrow(
      expect.objectContaining({ code: "payload" }),
    );
  });
});
