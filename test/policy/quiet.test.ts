import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { afterAll, describe, expect, it } from "vitest";
import { CATALOGUE } from "../../policies/src/catalogue.ts";
import { demoFleet } from "../../demo/fleet.ts";
import { secretName } from "../../demo/keys.ts";
import { DEMO } from "../../demo/settings.ts";
import type { FleetInput } from "../../spec/index.ts";
import { PLATFORMS, type Platform } from "../../spec/index.ts";
import { OperatorFiles } from "../component/fleet.ts";
import { HOST_KEY } from "../fleet-input.ts";
import { goodFleet, previewed, Stack } from "./stack.ts";

const files = new OperatorFiles();
afterAll(() => {
  files.remove();
});

const demo = (platform: Platform) =>
  demoFleet({
    platform,
    ssh: { host: "127.0.0.1", port: 22, user: "ops", hostKey: HOST_KEY, identityFile: files.sshKey },
    gatewayPort: 18789,
    providerUrl: "http://127.0.0.1:29028",
    extraCaCertificates: [],
  });

describe("all rules together", () => {
  it.each(PLATFORMS)("are quiet on the fleet of the demo, on %s", async (platform) => {
    const stack = new Stack(await previewed(demo(platform), DEMO.agents.map(secretName)));
    expect(CATALOGUE.flatMap((rule) => stack.violations(rule))).toEqual([]);
  });

  it("are quiet on the example", async () => {
    const text = readFileSync(join(import.meta.dirname, "../../Pulumi.example.yaml"), "utf8");
    const { config } = parse(text) as { readonly config: { readonly "gatehouse:fleet": FleetInput } };
    const keys = [...text.matchAll(/pulumi:\/\/([\w-]+)/g)].map(([, key = ""]) => key);
    const stack = new Stack(await previewed(config["gatehouse:fleet"], keys));
    expect(CATALOGUE.flatMap((rule) => stack.violations(rule))).toEqual([]);
  });

  it("are quiet on a fleet with everything that this version has", async () => {
    const stack = new Stack(await previewed(goodFleet(files.sshKey)));
    expect(CATALOGUE.flatMap((rule) => stack.violations(rule))).toEqual([]);
  });
});
