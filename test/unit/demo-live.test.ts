import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { liveGateways, type LiveGateway } from "../../demo/live.ts";
import type { ExecResult } from "../../sandbox/node/index.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "gatehouse-live-"));
  mkdirSync(join(directory, "home/.gatehouse"), { recursive: true });
  symlinkSync("generations/g-1", join(directory, "home/.gatehouse/current"));
  program("curl", `printf '%s' '{"ready":true}'`);
  program("getent", `[ "$2" = oc-demo ] && echo "oc-demo:x:1002:1002::${directory}/home:/usr/sbin/nologin"`);
  program("runuser", `case "$*" in *"-u oc-demo "*"is-active openclaw-gateway.service") echo active ;; esac`);
  program("dscl", `[ "$3" = /Users/oc-demo ] && echo "NFSHomeDirectory: ${directory}/home"`);
  program("launchctl", LOADED);
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** As `launchctl print` of a job that runs (facts: macos.md), whose other lines have the word as well. */
const LOADED = `printf '%s = {\\n\\tstate = running\\n\\tprogram = /x\\n\\tspawn type = daemon\\n\\t\\tstate = active\\n}\\n' "$2"`;

function program(name: string, body: string): void {
  writeFileSync(join(directory, name), `#!/bin/sh\n${body}\n`);
  chmodSync(join(directory, name), 0o755);
}

/** What the demo shows of a gateway on a machine whose own commands are the stand-ins above. */
async function shown(platform: "linux" | "macos"): Promise<LiveGateway | undefined> {
  const exec = (command: string) =>
    new Promise<ExecResult>((resolve) => {
      const env = { PATH: `${directory}:/usr/bin:/bin` };
      execFile("sh", ["-c", command], { env }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : 1, stdout, stderr });
      });
    });
  const unit = platform === "linux" ? "openclaw-gateway.service" : "org.gatehouse.gateway.demo";
  const gateways = { demo: { user: "oc-demo", unit, port: 1 } };
  return (await liveGateways({ platform, exec }, { gateways }))["demo"];
}

describe.each(["linux", "macos"] as const)("a gateway of the demo, %s", (platform) => {
  it("is shown as it is", async () => {
    expect(await shown(platform)).toEqual({ unitState: "active", generation: "g-1", health: "ready" });
  });

  it.each([
    ["no answer", "exit 7"],
    ['not ready: ["secrets"]', `printf '%s' '{"ready":false,"failing":["secrets"]}'`],
    ["another program answers", "echo '<html>'"],
    ["another program answers", "echo '{}'"],
  ])("is %s where /readyz says so", async (health, curl) => {
    program("curl", curl);
    program("wget", "exit 4");
    expect(await shown(platform)).toMatchObject({ health });
  });

  it("is unknown where the machine knows neither service nor user", async () => {
    for (const name of ["getent", "runuser", "dscl", "launchctl"]) program(name, "exit 113");
    expect(await shown(platform)).toMatchObject({ unitState: "unknown", generation: "" });
  });
});

it("on a Mac a job that waits is shown with launchd's word", async () => {
  program("launchctl", LOADED.replace("state = running", "state = waiting"));
  expect(await shown("macos")).toMatchObject({ unitState: "waiting" });
});
