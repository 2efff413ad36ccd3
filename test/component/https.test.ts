import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FleetInput } from "../../spec/index.ts";
import { fleetWith, OperatorFiles, runFleet } from "./fleet.ts";
import { COMMAND, find, openedStdin, revealed, visible, type MockedRun } from "./mocked-run.ts";

const files = new OperatorFiles();
afterAll(() => {
  files.remove();
});

const HTTPS = { listen: "all", names: ["gw.example.internal"], addresses: ["192.0.2.10"] };
const withHttps = (https: FleetInput["nodes"][number]["gateways"][number]["https"]): FleetInput =>
  fleetWith(files.sshKey, (node) => ({
    ...node,
    gateways: node.gateways.map((gateway) => ({ ...gateway, ...(https && { https }) })),
  }));

interface Sent {
  readonly https?: { readonly certificate: string; readonly key: string; readonly authority: string };
  readonly generation: string;
  readonly files: { readonly config: string };
}
const sentBy = (run: MockedRun): Sent =>
  JSON.parse(openedStdin(revealed(find(run, COMMAND, "team-a-gateway").inputs["stdin"]))) as Sent;

describe("a gateway with https", () => {
  let run: MockedRun;
  let sent: Sent;
  beforeAll(async () => {
    run = await runFleet(withHttps(HTTPS));
    sent = sentBy(run);
  });

  it("gets a certificate for its names, signed by the fleet's authority", () => {
    const leaf = new X509Certificate(sent.https?.certificate ?? "");
    const authority = new X509Certificate(sent.https?.authority ?? "");
    expect(leaf.subjectAltName?.split(", ")).toEqual([
      "DNS:localhost",
      "DNS:gw.example.internal",
      "IP Address:127.0.0.1",
      "IP Address:192.0.2.10",
    ]);
    expect(leaf.verify(authority.publicKey)).toBe(true);
    expect(authority.ca).toBe(true);
    expect(leaf.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: "prime256v1" });
  });

  it("shows its key to nobody but the node", () => {
    const key = sent.https?.key ?? "";
    const [secret = ""] = key.split("\n").filter((line) => line.length > 60);
    expect(secret).not.toBe("");
    const seen = JSON.stringify([run.resources.map(({ inputs }) => visible(inputs)), visible(run.outputs)]);
    expect(seen).not.toContain(secret);
    expect(seen).not.toContain("PRIVATE KEY");
    expect(revealed(find(run, COMMAND, "team-a-gateway").inputs["stdin"])).not.toContain(secret);
  });

  it("is on the ledger and in the outputs with its dates", () => {
    const leaf = new X509Certificate(sent.https?.certificate ?? "");
    const days = (later: string, earlier: string) => (Date.parse(later) - Date.parse(earlier)) / 86_400_000;
    const ledger = run.stackOutputs["ledger"] as { track: string; due: string; issued: string }[];
    const line = ledger.filter(({ track }) => track === "certificate");
    expect(line).toMatchObject([{ principal: "team-a", ref: null, fingerprint: leaf.fingerprint256, masked: null }]);
    expect(days(line[0]?.due ?? "", line[0]?.issued ?? "")).toBe(60);
    expect(run.stackOutputs["certificateAuthority"]).toMatchObject({ certificate: sent.https?.authority });
    expect(JSON.stringify(run.stackOutputs["nodes"])).toContain(`wss://127.0.0.1`);
  });

  it("has another generation with another certificate", async () => {
    expect(sentBy(await runFleet(withHttps(HTTPS))).generation).not.toBe(sent.generation);
  });

  it("is shown to policies with its own address and certificate", () => {
    const { inputs } = find(run, "gatehouse:index:Gateway", "team-a");
    expect(inputs).toMatchObject({
      bind: "all",
      openclaw: { gateway: { bind: "lan", tls: { enabled: true, autoGenerate: false } } },
    });
    expect(JSON.stringify(inputs["paths"])).toContain("/.config/gatehouse/tls/key.pem");
  });
});

describe("a gateway without https", () => {
  it("gets no certificate, and the fleet no authority", async () => {
    const run = await runFleet(withHttps(undefined));
    expect(run.resources.filter(({ type }) => /[cC]ert/.test(type))).toEqual([]);
    expect(run.stackOutputs["certificateAuthority"]).toBeNull();
    expect(sentBy(run)).not.toHaveProperty("https");
  });
});

it("previews before any certificate is there", async () => {
  const run = await runFleet(withHttps(HTTPS), { preview: true });
  expect(run.resources.map(({ name }) => name)).toContain("team-a-https");
});
