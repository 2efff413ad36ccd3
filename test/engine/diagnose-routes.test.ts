import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { diagnose, type DiagnoseOptions, type Diagnosis } from "../../operations/diagnose/diagnose.ts";
import type { Evidence } from "../../operations/diagnose/evidence.ts";
import { lookThroughTunnel } from "../../operations/diagnose/here.ts";
import { diagnosisText } from "../../operations/diagnose/report.ts";
import { routeAddress } from "../../operations/diagnose/route/address.ts";
import { lookAtRoute, newMarks } from "../../operations/diagnose/route/look.ts";
import type { Resolve } from "../../operations/diagnose/route/wire.ts";
import { findTarget } from "../../operations/diagnose/target.ts";
import type { Target } from "../../operations/diagnose/target.ts";
import { verdictOf, type Verdict } from "../../operations/diagnose/verdict.ts";
import { connectTo } from "../../operations/visit/connect.ts";
import type { GatehouseStack } from "../../operations/stack.ts";
import type { SshConnection } from "../../sandbox/plugins/command/dial.ts";
import { testAuthority, testCertificate } from "../certificates.ts";
import { canaryKey, FleetBench } from "./fleet-fixture.ts";
import { nodesCanRun, START_MS } from "./node-fixture.ts";
import { Neighbour, proxiesCanRun, type Site } from "./proxies.ts";

const KEYS = { "team-a-research": canaryKey(), "team-b-writer": canaryKey() };
const WRONG = "canaryOfTheWrongToken0123456789ABCDEFGHIJKLMNOPabcd";
const NAME = "gw.example.internal";
const DAY_MS = 86_400_000;

const UPGRADE = ["proxy_http_version 1.1;", "proxy_set_header Upgrade $http_upgrade;", "proxy_set_header Connection upgrade;"]; // prettier-ignore
const HOST = "proxy_set_header Host $http_host;";
const FORWARDED = ["proxy_set_header X-Forwarded-For $remote_addr;", "proxy_set_header X-Forwarded-Proto $scheme;", "proxy_set_header X-Forwarded-Host $http_host;"]; // prettier-ignore

type GatewayName = "team-a" | "team-b";

/**
 * What is not proven here: a client on a machine of its own dials through real proxies and a real network namespace, but
 * the node shares this machine's network, and no tailnet is made.
 */
describe.skipIf(!(await nodesCanRun()) || !(await proxiesCanRun()))("diagnose on the way to a gateway", () => {
  let bench: FleetBench;
  let neighbour: Neighbour;
  let stack: GatehouseStack;
  let authority = "";
  let secrets: string[] = [];
  let ports: Record<GatewayName, number>;
  let ssh: SshConnection;
  /** What a failed start leaves, too. */
  const stops: (() => unknown)[] = [];
  const proxied: Record<string, number> = {};
  const targets = new Map<GatewayName, Target>();
  const baseline = new Map<GatewayName, Evidence>();
  const shown: string[] = [];
  let tokens: Readonly<Record<string, string>> = {};

  beforeAll(async () => {
    bench = await FleetBench.start("test-routes", KEYS);
    stops.push(() => bench.stop());
    neighbour = await Neighbour.start(bench.directory);
    stops.push(() => neighbour.stop());
    Object.assign(bench.secrets, KEYS);
    const { outputs } = await bench.up("prod", fleet());
    tokens = outputs.gatewayTokens;
    secrets = [...Object.values(tokens), ...Object.values(KEYS), WRONG];
    stack = await bench.open("prod", fleet());
    const [settings, all] = await Promise.all([stack.settings(), stack.outputs()]);
    for (const gateway of ["team-a", "team-b"] as const) {
      targets.set(gateway, await findTarget(settings, all, { gateway, agent: null, sinceSeconds: 600 }));
    }
    ports = { "team-a": targetOf("team-a").payload.port, "team-b": targetOf("team-b").payload.port };
    const connected = await connectTo(targetOf("team-a").connection, AbortSignal.timeout(START_MS));
    if ("unreachable" in connected) throw new Error(connected.unreachable.message);
    ssh = connected.ssh;
    stops.push(() => {
      ssh.close();
    });
    await startProxies();
  }, START_MS);
  afterAll(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  const fleet = (trustedProxies: readonly string[] = []) =>
    bench.fleet([
      bench.gateway("team-a", 0, ["research"], { trustedProxies: [...trustedProxies] }),
      bench.gateway("team-b", 1, ["writer"], {
        https: { listen: "all", names: [NAME], addresses: [neighbour.here] },
      }),
    ]);

  function targetOf(gateway: GatewayName): Target {
    const target = targets.get(gateway);
    if (target === undefined) throw new Error(`no target ${gateway}`);
    return target;
  }

  async function startProxies(): Promise<void> {
    const signer = await testAuthority();
    authority = signer.certificatePem;
    const addresses = [neighbour.here, neighbour.there];
    const good = await testCertificate(signer, { addresses });
    const expired = await testCertificate(signer, { addresses, notBefore: new Date(Date.now() - 10 * DAY_MS) });
    const others = await testCertificate(signer, { addresses: ["192.0.2.1"] });
    // a gateway and all that is near it take up to 110 ports, two gateways are 150 apart
    let next = ports["team-b"] + 150;
    const site = (name: string, lines: readonly string[], certificate?: Site["certificate"]): Site => {
      const port = next;
      next += 1;
      proxied[name] = port;
      return { port, lines, ...(certificate !== undefined && { certificate }) };
    };
    const a = `proxy_pass http://127.0.0.1:${ports["team-a"]};`;
    // the gateway takes TLS 1.3 alone, which this nginx does not offer by itself
    const b = `proxy_ssl_protocols TLSv1.3; proxy_pass https://${neighbour.here}:${ports["team-b"]};`;
    await neighbour.nginx("here", [
      site("no upgrade", [a, HOST]),
      site("no forwarded", [a, ...UPGRADE, HOST]),
      site("untrusted", [a, ...UPGRADE, HOST, ...FORWARDED], good),
    ]);
    await neighbour.nginx("there", [
      site("right", [b, ...UPGRADE, HOST], good),
      site("no host", [b, ...UPGRADE], good),
      site("no authorization", [b, ...UPGRADE, HOST, 'proxy_set_header Authorization "";'], good),
      site("expired", [b, ...UPGRADE, HOST], expired),
      site("wrong name", [b, ...UPGRADE, HOST], others),
      site("plain", [b, ...UPGRADE, HOST]),
      site("dead upstream", [`proxy_pass http://127.0.0.1:9;`], good),
      site("another service", ["default_type text/html; return 200 '<html>welcome</html>';"], good),
      site("sign-in", ["return 302 https://login.example.net/;"], good),
    ]);
    proxied["haproxy"] = next;
    await neighbour.haproxy(next, ports["team-a"]);
  }

  const portOf = (name: string): number => proxied[name] ?? 0;
  const here = (name: string): string => `ws://${neighbour.here}:${portOf(name)}`;
  const there = (name: string): string => `wss://${neighbour.there}:${portOf(name)}`;

  function expectNoSecret(...texts: readonly string[]): void {
    const all = texts.join("\n");
    expect(secrets.length).toBeGreaterThan(4);
    for (const secret of secrets) {
      expect(all.includes(secret.slice(0, 20))).toBe(false);
      expect(all.includes(secret.slice(-6))).toBe(false);
    }
  }

  /** The whole diagnosis, as the command makes it. */
  async function ask(gateway: GatewayName, more: Partial<DiagnoseOptions>): Promise<Diagnosis> {
    const diagnosis = await diagnose(stack, {
      gateway,
      sinceSeconds: 600,
      authority,
      progress: (line) => shown.push(line),
      signal: AbortSignal.timeout(120_000),
      ...more,
    });
    expectNoSecret(JSON.stringify(diagnosis), diagnosisText(diagnosis), ...shown);
    return diagnosis;
  }

  /** The way alone, judged with what the whole diagnosis found on the node: a verdict is a function of the evidence. */
  async function askWay(
    gateway: GatewayName,
    url: string,
    more: { readonly authority?: null; readonly resolve?: Resolve; readonly client?: string } = {},
  ): Promise<Verdict> {
    // prettier-ignore
    const evidence = baseline.get(gateway);
    if (evidence === undefined) throw new Error(`${gateway} was not looked at`);
    const marks = newMarks();
    const target = targetOf(gateway);
    const tunnelled = lookThroughTunnel(ssh.client, target.end, marks.tunnel);
    const route = await lookAtRoute(ssh.client, target, {
      address: routeAddress(url, "--url"),
      token: tokens[gateway] ?? null,
      marks,
      client: more.client ?? null,
      authority: more.authority === null ? null : authority,
      tunnelDone: tunnelled,
      progress: (line) => shown.push(line),
      ...(more.resolve !== undefined && { resolve: more.resolve }),
    });
    expect((await tunnelled).upgrade).toBe("ok");
    const verdict = verdictOf({ ...evidence, route });
    expectNoSecret(JSON.stringify([route, verdict]), ...shown);
    return verdict;
  }

  it("is healthy as declared: through a tunnel, by HTTPS with the fleet's authority, and by a right nginx", async () => {
    for (const [gateway, url] of [
      ["team-a", `ws://127.0.0.1:${ports["team-a"]}`],
      ["team-b", `https://${neighbour.here}:${ports["team-b"]}`],
    ] as const) {
      const diagnosis = await ask(gateway, { url });
      expect(diagnosis, diagnosisText(diagnosis)).toMatchObject({ verdict: "healthy", missing: [], also: [] });
      expect(diagnosis.seen.route).toMatchObject({ proof: "arrived", token: { kind: "token accepted" } });
      baseline.set(gateway, { ...diagnosis.seen, frozen: diagnosis.frozen });
    }
    expect(await askWay("team-b", there("right"))).toMatchObject({ verdict: "healthy", missing: [], also: [] });
  });

  const proxy = "tunnel or proxy";
  const SAME_ON_NODE = /the same test on 127\.0\.0\.1 of the node/;
  const OPENSSL = /openssl s_client/;

  /** Gateway, address, code, what is run first. */
  const FAULTS: readonly (readonly [string, GatewayName, () => string, string, RegExp])[] = [
    ["a proxy that drops Upgrade", "team-a", () => here("no upgrade"), "upgrade-dropped", SAME_ON_NODE],
    ["a proxy without X-Forwarded", "team-a", () => here("no forwarded"), "proxy-hides-client", SAME_ON_NODE],
    ["a TCP forward", "team-a", () => here("haproxy"), "proxy-hides-client", SAME_ON_NODE],
    ["X-Forwarded of a proxy that nobody declared", "team-a", () => `wss://${neighbour.here}:${portOf("untrusted")}`, "proxy-attribution", /curl -s https:/], // prettier-ignore
    ["a proxy that drops Host", "team-b", () => there("no host"), "host-rewritten", SAME_ON_NODE],
    ["a proxy that strips Authorization", "team-b", () => there("no authorization"), "authorization-stripped", SAME_ON_NODE], // prettier-ignore
    ["plain HTTP of a remote client", "team-b", () => `ws://${neighbour.there}:${portOf("plain")}`, "plain-http", SAME_ON_NODE], // prettier-ignore
    ["an expired certificate", "team-b", () => there("expired"), "tls-expired", OPENSSL],
    ["a certificate for another name", "team-b", () => there("wrong name"), "tls-wrong-name", OPENSSL],
    ["plain HTTP to an HTTPS port", "team-b", () => there("right").replace("wss", "ws"), "plain-on-tls-port", SAME_ON_NODE], // prettier-ignore
    ["plain HTTP to the gateway's own HTTPS", "team-b", () => `ws://${neighbour.here}:${ports["team-b"]}`, "plain-on-tls-port", SAME_ON_NODE], // prettier-ignore
    ["HTTPS to a plain port", "team-b", () => there("plain"), "tls-on-plain-port", OPENSSL],
    ["a proxy without a gateway behind it", "team-b", () => there("dead upstream"), "proxy-cannot-reach", SAME_ON_NODE],
    ["another service", "team-b", () => there("another service"), "wrong-service", SAME_ON_NODE],
    ["an identity proxy", "team-b", () => there("sign-in"), "sign-in-proxy", SAME_ON_NODE],
    ["a tunnel to another gateway", "team-b", () => `ws://127.0.0.1:${ports["team-a"]}`, "another-gateway", /curl -s http:/], // prettier-ignore
    ["an HTTPS address of another gateway", "team-a", () => `wss://127.0.0.1:${ports["team-b"]}`, "another-gateway", /curl -s https:/], // prettier-ignore
    ["a tunnel that is not up", "team-a", () => `ws://127.0.0.1:${portOf("haproxy") + 1}`, "refused", SAME_ON_NODE],
  ];
  it.each(FAULTS)("finds %s (%s)", async (_name, gateway, url, code, first) => {
    const found = await askWay(gateway, url());
    expect(found, JSON.stringify(found, null, 1)).toMatchObject({ verdict: proxy, code });
    expect(found.firstCommand).toMatch(first);
    expect(found.nextStep).not.toBeNull();
  });

  it("finds an authority that the client does not know", async () => {
    const found = await askWay("team-b", there("right"), { authority: null });
    expect(found).toMatchObject({ verdict: proxy, code: "tls-untrusted" });
  });

  it("finds a name that nobody knows", async () => {
    const resolve: Resolve = () => Promise.reject(Object.assign(new Error("no such name"), { code: "ENOTFOUND" }));
    const found = await askWay("team-a", "wss://gateway.invalid", { resolve });
    expect(found).toMatchObject({ verdict: proxy, code: "dns-unknown", firstCommand: "getent ahosts gateway.invalid" });
  });

  it("finds a name that leads to another host: to another gateway there, or to nobody", async () => {
    const resolve: Resolve = () => Promise.resolve([neighbour.there]);
    const url = `ws://gateway.local:${portOf("plain")}`;
    const found = await askWay("team-a", url, { resolve });
    expect(found).toMatchObject({ verdict: proxy, code: "dns-elsewhere", confidence: "high" });
    expect(found.firstCommand).toBe("getent ahosts gateway.local");
    expect(found.evidence.join()).toContain(neighbour.there);
    const nobody = await askWay("team-a", "ws://gateway.local:9", { resolve });
    expect(nobody).toMatchObject({ verdict: proxy, code: "dns-elsewhere", confidence: "medium" });
  });

  /** A real OpenClaw client on the node, which calls the gateway by a name that is not loopback's; its state is copied here. */
  async function realClient(script: string): Promise<string> {
    const lines = [
      "cd; set -a; . .openclaw/gateway.systemd.env; set +a; export XDG_RUNTIME_DIR=/run/user/$(id -u)",
      'field() { sed -n "s/.*\\"$1\\": \\"\\([^\\"]*\\)\\".*/\\1/p" "$HOME/.gatehouse/current/manifest.json"; }',
      'openclaw() { "$(field nodePath)" "$(field cliPath)" "$@" </dev/null; }',
      'client() { OPENCLAW_STATE_DIR=$HOME/.openclaw/tmp/laptop openclaw "$@"; }',
      script,
    ];
    const shell = "runuser -u oc-team-a -- env -i HOME=/home/oc-team-a PATH=/usr/bin:/bin sh -s";
    await bench.node.exec(shell, { stdin: lines.join("\n") });
    const copy = join(bench.directory, "laptop");
    await rm(copy, { recursive: true, force: true });
    await cp(join(bench.directory, "node/tree/home/oc-team-a/.openclaw/tmp/laptop"), copy, { recursive: true });
    return copy;
  }

  it("finds a device that is not paired, then none, then one with a stale token, and files no request itself", async () => {
    const url = `ws://gateway.local:${ports["team-a"]}`;
    const resolve: Resolve = () => Promise.resolve(["127.0.0.1"]);
    await bench.output("grep -q gateway.local /etc/hosts || echo 127.0.0.1 gateway.local >> /etc/hosts");
    const token = { source: "env", provider: "default", id: "OPENCLAW_GATEWAY_TOKEN" };
    const config = (remote: object) => JSON.stringify({ gateway: { mode: "remote", remote: { url, ...remote } } });
    const unpaired = await realClient(
      `mkdir -p ~/.openclaw/tmp/laptop; echo '${config({ token })}' > ~/.openclaw/tmp/laptop/openclaw.json
       client agent --agent research --message hi`,
    );
    const found = await askWay("team-a", url, { resolve, client: unpaired });
    expect(found, JSON.stringify(found)).toMatchObject({ verdict: "gateway session", code: "not-paired" });
    expect(found.firstCommand).toBe("openclaw devices list");
    expect(found.evidence.join()).toMatch(/its request [\w-]{8,} waits/);

    const paired = await realClient(
      `openclaw devices approve "$(openclaw devices list --json | sed -n 's/.*"requestId": "\\(.*\\)".*/\\1/p')"
       client agent --agent research --message hi
       echo '${config({})}' > ~/.openclaw/tmp/laptop/openclaw.json`,
    );
    expect(await askWay("team-a", url, { resolve, client: paired })).toMatchObject({ verdict: "healthy", missing: [] });

    const stale = new DatabaseSync(join(paired, "state/openclaw.sqlite"));
    expect(stale.prepare("UPDATE gateway_origin_device_tokens SET token = ?").run(WRONG).changes).toBe(1);
    stale.close();
    const outdated = await askWay("team-a", url, { resolve, client: paired });
    expect(outdated).toMatchObject({ verdict: "gateway session", code: "device-token-stale" });
    const listed = JSON.parse(await bench.openclaw("oc-team-a", "devices list --json")) as { pending: unknown[] };
    expect(listed.pending).toEqual([]);
  });

  it("finds an empty and a wrong token in a remote client, its own address being fine", async () => {
    const client = join(bench.directory, "client");
    await mkdir(client);
    const remote = { url: `ws://127.0.0.1:${ports["team-a"]}` };
    const write = (token: object) =>
      writeFile(join(client, "openclaw.json"), JSON.stringify({ gateway: { mode: "remote", remote: { ...remote, ...token } } })); // prettier-ignore
    await write({});
    await writeFile(join(client, ".env"), `OPENCLAW_GATEWAY_TOKEN=${WRONG}\n`);
    process.env["OPENCLAW_GATEWAY_TOKEN"] = "";
    try {
      const empty = await ask("team-a", { client });
      expect(empty).toMatchObject({ verdict: "gateway session", code: "client-token-empty" });
      expect(empty.evidence.join()).toContain("hidden by it");
      expect(empty.seen.route).toMatchObject({ address: { source: `gateway.remote.url of ${client}` }, proof: "arrived" }); // prettier-ignore
    } finally {
      delete process.env["OPENCLAW_GATEWAY_TOKEN"];
    }
    await write({ token: WRONG });
    const wrong = await ask("team-a", { client });
    expect(wrong).toMatchObject({ verdict: "gateway session", code: "client-token-refused" });
    expect(wrong.firstCommand).toBe("openclaw gateway status");
  });

  it("finds a client that is locked out for a while", async () => {
    const url = `https://${neighbour.here}:${ports["team-b"]}`;
    const wrong = `curl -sk -o /dev/null -X POST -H 'Authorization: Bearer wrong-wrong-wrong' -d '{}' ${url}/tools/invoke`;
    await bench.output(`for n in 1 2 3 4 5 6 7 8 9 10 11; do ${wrong}; done`);
    expect(await askWay("team-b", url)).toMatchObject({ verdict: proxy, code: "rate-limited" });
  });

  it("knows a right nginx on the gateway's own host once the spec declares it", async () => {
    await bench.up("prod", fleet(["127.0.0.1"]));
    stack = await bench.open("prod", fleet(["127.0.0.1"]));
    const diagnosis = await ask("team-a", { url: `wss://${neighbour.here}:${portOf("untrusted")}` });
    expect(diagnosis, diagnosisText(diagnosis)).toMatchObject({ verdict: "healthy", missing: [], also: [] });
  });
});
