import { describe, expect, it } from "vitest";
import { CommandError } from "@pulumi/pulumi/automation/index.js";
import { RESULT_MARK } from "../../node/protocol.ts";
import { describeFailure, OperationError } from "../../operations/error.ts";
import { EventCollector } from "../../operations/events.ts";
import { exitStatusOf, failuresOf } from "../../operations/exit.ts";
import { hintFor } from "../../operations/hints.ts";
import { nodeFailure } from "../../operations/node-failure.ts";
import { runFailure } from "../../operations/run-failure.ts";
import { parseFleet } from "../../spec/index.ts";

const ERROR = {
  layer: "config or disk",
  code: "disk-full",
  message: "the file system of /opt is full",
  fix: "free space on it, then run the same command again",
} as const;
const RESULT = `${RESULT_MARK}${JSON.stringify({ ok: false, error: ERROR })}`;
const BLOCK = `gatehouse: runtime failed [${ERROR.layer}/${ERROR.code}]: ${ERROR.message}\n  fix: ${ERROR.fix}`;
/** The command provider's text: the command itself, then both streams. */
const engineText = (output: string): string => `Process exited with status 71: running "sh -c 'exec x'":\n${output}`;

const URN = "urn:pulumi:s::gatehouse::gatehouse:index:GatewayNode$command:remote:Command::box-runtime";

function collected(...messages: { message: string; urn?: string; severity?: string }[]): EventCollector {
  const events = new EventCollector(() => undefined);
  messages.forEach(({ severity = "error", ...rest }, sequence) => {
    events.add({
      sequence,
      timestamp: 0,
      diagnosticEvent: { ...rest, severity: severity as "error", color: "never" },
    });
  });
  return events;
}

function failed(events: EventCollector): OperationError {
  const error = runFailure(new Error("the engine failed"), events);
  if (!(error instanceof OperationError)) throw new Error("no OperationError was made");
  return error;
}

describe("what a node says about its failure", () => {
  it.each([
    ["from the result line", engineText(`progress\n${RESULT}\n`)],
    ["from the block for people when the result line is missing", engineText(`gatehouse: unpacking\n${BLOCK}\n`)],
    ["from the block when the other stream tore the result line", engineText(`${BLOCK}\n${RESULT.slice(0, 60)}`)],
    ["from the block after progress on the same line", engineText(`12 %gatehouse: x${BLOCK}`)],
  ])("is found %s", (_, text) => {
    expect(nodeFailure(text)).toEqual(ERROR);
  });

  it.each([
    ["a success", engineText(`${RESULT_MARK}{"ok":true,"value":{}}`)],
    ["another program's words", engineText("make: failed [host/x]: no\n  fix: none")],
    ["an unknown layer", engineText(BLOCK.replace(ERROR.layer, "moon"))],
    ["an incomplete error", engineText(`${RESULT_MARK}{"ok":false,"error":{"layer":"host","code":"x"}}`)],
  ])("is not made up from %s", (_, text) => {
    expect(nodeFailure(text)).toBeUndefined();
  });
});

describe("known causes", () => {
  it.each([
    ["unreachable", "after 1 failed attempt: dial tcp 192.0.2.1:22: connect: connection refused"],
    ["unreachable", "after 1 failed attempt: dial tcp 192.0.2.1:22: i/o timeout"],
    ["unreachable", "dial tcp: lookup nowhere.example: no such host"],
    ["host-key", "ssh: handshake failed: ssh: host key mismatch: expected A, the server offered B"],
    ["host-key", "ssh: handshake failed: ssh: no common algorithm for host key; client offered: [ssh-ed25519]"],
    ["key-refused", "ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey]"],
    ["connection-cut", 'wait: remote command exited without exit status or exit signal: running "x"'],
    ["no-sudo", "sudo: a password is required"],
    ["no-sudo", "ops is not in the sudoers file."],
    ["disk-full", "sh: 1: cannot create /tmp/x: No space left on device"],
    ["passphrase", "error: getting secrets manager: incorrect passphrase"],
    ["locked", "error: the stack is currently locked by 1 lock(s)."],
    ["interrupted", "error: update canceled"],
    ["interrupted", "Command was killed with SIGKILL (Forced termination): pulumi up"],
    ["plugin", "could not load plugin for command provider"],
  ])("%s: %s", (code, text) => {
    const hint = hintFor(text);
    expect(hint?.code).toBe(code);
    expect(hint?.fix.length).toBeGreaterThan(20);
  });

  it("names the missing setting in the fix", () => {
    const hint = hintFor("Missing required configuration variable 'gatehouse:research'\n\tplease set a value");
    expect(hint).toMatchObject({
      code: "missing-secret",
      fix: expect.stringContaining("gatehouse:research") as string,
    });
  });

  it("names the other stack that cannot be read in the fix", () => {
    expect(hintFor('Preview failed: unknown stack "acme/gateways/staging"')).toMatchObject({
      code: "other-stack",
      fix: expect.stringContaining("acme/gateways/staging in `otherStacks`") as string,
    });
  });

  it("keeps the line that tells the cause, not the command and its output", () => {
    const text = 'error: running "sh -c secret-looking"\n  sudo: a password is required\nmore output';
    expect(hintFor(text)?.message).toBe("sudo: a password is required");
  });

  it("leaves an unknown text alone", () => {
    expect(hintFor("something else happened")).toBeUndefined();
  });
});

describe("the failure of a run", () => {
  it("shows what the node reported once, with layer, code, resource and fix", () => {
    const error = failed(collected({ message: engineText(`${BLOCK}\n${RESULT}`), urn: URN }));
    expect(error.failures).toEqual([{ ...ERROR, resource: "box-runtime" }]);
    const [first] = error.failures;
    const shown = first === undefined ? "" : describeFailure(first);
    expect(shown).toBe(`box-runtime: ${ERROR.message} [config or disk/disk-full]\n  fix: ${ERROR.fix}`);
    expect(shown).not.toContain("sh -c");
  });

  it("reports each node of several", () => {
    const other = URN.replace("box", "mini");
    const error = failed(collected({ message: engineText(RESULT), urn: URN }, { message: "i/o timeout", urn: other }));
    expect(error.failures.map(({ resource, code }) => [resource, code])).toEqual([
      ["box-runtime", "disk-full"],
      ["mini-runtime", "unreachable"],
    ]);
  });

  it("keeps the same cause on two machines, and drops the engine's shorter repetition of one", () => {
    const other = URN.replace("box", "mini");
    const sudo = "sudo: a password is required";
    expect(failed(collected({ message: sudo, urn: URN }, { message: sudo, urn: other })).failures).toHaveLength(2);
    const repeated = failed(collected({ message: "Unhandled exception: TypeError: bug\n at x" }, { message: "bug" }));
    expect(repeated.failures.map(({ code }) => code)).toEqual(["internal"]);
  });

  it("takes message and fix of an error that the program throws with one", () => {
    const error = failed(collected({ message: "\n  - agent a: no value\n  - agent b: no value\n  fix: set them\n" }));
    expect(error.failures).toEqual([
      { code: "input", message: "- agent a: no value\n  - agent b: no value", fix: "set them" },
    ]);
    expect(exitStatusOf(error.failures)).toBe(2);
    const ofResource = failed(collected({ message: "x\n  fix: y", urn: URN }));
    expect(ofResource.code).toBe("engine");
  });

  it("takes those of a guard, without what was only ended by it", () => {
    const guard = 'Preview failed: before hook "a-guard" failed: \n  - gateway a: both\n  fix: one by one';
    const error = failed(
      collected({ message: guard, urn: URN }, { message: "failed to run: context canceled", urn: URN }),
    );
    expect(error.failures).toEqual([
      { code: "input", message: "- gateway a: both", fix: "one by one", resource: "box-runtime" },
    ]);
  });

  it("puts mandatory policies before everything else and takes their fix", () => {
    const events = collected({ message: "i/o timeout", urn: URN });
    const policy = { color: "never", policyPackName: "gatehouse", policyPackVersion: "1", policyPackVersionTag: "1" };
    events.add({
      sequence: 9,
      timestamp: 0,
      policyEvent: {
        ...policy,
        resourceUrn: URN,
        policyName: "GH501",
        enforcementLevel: "mandatory",
        message: "Long description.\nGH501 Host key pinned: box-runtime: it is absent. Fix: pin it. See docs",
      },
    });
    const error = failed(events);
    expect(error.failures).toEqual([
      {
        code: "policy",
        resource: "box-runtime",
        message: "GH501 Host key pinned: it is absent",
        fix: "pin it. See docs",
      },
    ]);
    expect(exitStatusOf(error.failures)).toBe(3);
  });

  it("falls back to the engine's last words, and to the error itself when it is a defect", () => {
    const result = { toString: () => "code: 255\n stdout: x\n stderr: error: no stack named 'a' found\n err?: \n" };
    const command = Object.assign(new CommandError(result as never), {});
    expect(runFailure(command, collected())).toMatchObject({ message: "error: no stack named 'a' found [engine]" });
    const defect = new TypeError("bug");
    expect(runFailure(defect, collected())).toBe(defect);
  });
});

describe("exit status", () => {
  it.each([
    [2, () => parseFleet({})],
    [2, () => raise(OperationError.of("missing-secret", "a", "b"))],
    [1, () => raise(OperationError.of("unreachable", "a", "b"))],
    [130, () => raise(OperationError.of("interrupted", "a", "b"))],
    [1, () => raise(new Error("bug"))],
  ])("%i", (status, run) => {
    try {
      run();
      throw new Error("nothing was thrown");
    } catch (error) {
      expect(exitStatusOf(failuresOf(error))).toBe(status);
    }
  });
});

function raise(error: Error): never {
  throw error;
}
