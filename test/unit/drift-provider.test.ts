import { credentials, Server, ServerCredentials, type ServiceError } from "@grpc/grpc-js";
import { ResourceProviderClient, ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
// generated CommonJS whose names node cannot list
import messages from "@pulumi/pulumi/proto/provider_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Deviation, NodeDrift, NodeRepair } from "../../node/drift/deviation.ts";
import type { Inputs } from "../../remote/plugin/properties.ts";
import { observationProvider } from "../../remote/plugin/server.ts";
import type { Observed } from "../../remote/subject.ts";
import { payloadOf } from "../../remote/subject.ts";
import type { Unreachable } from "../../remote/visit.ts";
import { asSecret } from "../../sandbox/plugins/shared/wire.ts";

const URN = "urn:pulumi:test::gatehouse::gatehouse:index:Gateway$gatehouse-drift:index:Observation::team-a-observation";
const MACHINE_ID = "0123456789abcdef0123456789abcdef";
const CONNECTION = asSecret({ host: "192.0.2.1", port: 22, user: "ops", privateKey: "PRIVATE-CANARY" });
const OWN = { gateway: "team-a", user: "oc-team-a", home: "/home/oc-team-a", unit: "u.service", generation: "g-1" };
const COMMON = { connection: CONNECTION, programId: "p-1", machineId: MACHINE_ID };
const GATEWAY = { ...COMMON, gateway: { ...OWN, agents: ["a"] } };
const MACHINE = { ...COMMON, machine: { alwaysOn: true, runtime: "r-1" } };
const NONE: Observed = { deviations: [], due: [], repeats: {} };

const deviation = (kind: Deviation["kind"], mending: Deviation["mending"] = "repair"): Deviation => ({
  ...{ kind, what: "/x", detail: "differs", likely: "a hand", mending },
});
const MODE = "mode: /x differs (the next update mends it, likely a hand)";
const found = (own: readonly Deviation[], machine: readonly Deviation[] = []): NodeDrift => ({
  time: "2026-11-27T07:00:00Z",
  deviations: machine,
  gateways: [{ gateway: "team-a", generation: "g-1", deviations: own }],
});
const SILENT: Unreachable = { kind: "no connection", message: "dial tcp: refused", fix: "check the network" };

let answer: { look?: NodeDrift | Unreachable; repair?: NodeRepair | Unreachable };
let asked: Inputs[];
let said: string[];
const server = new Server();
let client: ResourceProviderClient;

beforeAll(async () => {
  const reply = <T>(value: T | undefined) => {
    if (value === undefined) throw new Error("nobody was to be asked");
    return Promise.resolve(value);
  };
  server.addService(
    ResourceProviderService,
    observationProvider({
      visits: (inputs) => {
        asked.push(inputs);
        return { look: async () => reply(answer.look), repair: async () => reply(answer.repair) };
      },
      say: (severity, _urn, message) => said.push(`${severity}: ${message}`),
    }),
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  client = new ResourceProviderClient(`127.0.0.1:${port}`, credentials.createInsecure());
});
afterAll(() => {
  client.close();
  server.forceShutdown();
});
beforeEach(() => {
  answer = {};
  asked = [];
  said = [];
});

const wire = (value: object) => struct.Struct.fromJavaScript(JSON.parse(JSON.stringify(value)) as never);
type Done<T> = (error: ServiceError | null, response: T) => void;
const called = <T>(call: (done: Done<T>) => void) =>
  new Promise<T>((resolve, reject) => {
    call((error, response) => {
      if (error) reject(error);
      else resolve(response);
    });
  });
const observedIn = (response: { getProperties: () => struct.Struct | undefined }) =>
  response.getProperties()?.toJavaScript();

async function failuresOf(news: object, urn = URN): Promise<string[]> {
  const request = new messages.CheckRequest();
  request.setUrn(urn);
  request.setNews(wire(news));
  const response = await called<InstanceType<typeof messages.CheckResponse>>((done) => client.check(request, done));
  return response.getFailuresList().map((failure) => `${failure.getProperty()}: ${failure.getReason()}`);
}

async function refresh(inputs: object, before: Observed) {
  const request = new messages.ReadRequest();
  request.setUrn(URN);
  request.setId("team-a-observation");
  request.setInputs(wire(inputs));
  request.setProperties(wire(before));
  const response = await called<InstanceType<typeof messages.ReadResponse>>((done) => client.read(request, done));
  expect(response.getId()).toBe("team-a-observation");
  // as they came: a read never makes an input of its own, and its secrets stay marked
  expect(response.getInputs()?.toJavaScript()).toEqual(JSON.parse(JSON.stringify(inputs)));
  return observedIn(response);
}

async function difference(before: Observed) {
  const request = new messages.DiffRequest();
  request.setUrn(URN);
  request.setOlds(wire(before));
  request.setOldInputs(wire(GATEWAY));
  request.setNews(wire({ ...GATEWAY, programId: "p-2" }));
  const response = await called<InstanceType<typeof messages.DiffResponse>>((done) => client.diff(request, done));
  expect(response.getReplacesList()).toEqual([]);
  const { DIFF_SOME } = messages.DiffResponse.DiffChanges;
  const detailed = response.getDetaileddiffMap().getEntryList() as [string, unknown][];
  return { changes: response.getChanges() === DIFF_SOME, paths: detailed.map(([path]) => path).sort() };
}

async function update(inputs: object, before: Observed, preview = false) {
  const request = new messages.UpdateRequest();
  request.setUrn(URN);
  request.setOlds(wire(before));
  request.setNews(wire(inputs));
  request.setPreview(preview);
  return observedIn(await called<InstanceType<typeof messages.UpdateResponse>>((done) => client.update(request, done)));
}

describe("the inputs of an observation", () => {
  it("pass, of a gateway and of a machine", async () => {
    expect(await failuresOf(GATEWAY)).toEqual([]);
    expect(await failuresOf(MACHINE)).toEqual([]);
  });

  it.each(["connection", "programId", "machineId"])("need %s", async (property) => {
    expect(await failuresOf({ ...GATEWAY, [property]: undefined })).toEqual([
      `${property}: required property is missing`,
    ]);
    expect(await failuresOf({ ...GATEWAY, [property]: 7 })).toEqual([expect.stringContaining(`${property}: must be`)]);
  });

  it("are of one thing, and nothing unknown; no value is quoted", async () => {
    const one = "gateway: give either `machine` or `gateway`";
    expect(await failuresOf(COMMON)).toEqual([one]);
    expect(await failuresOf({ ...GATEWAY, ...MACHINE })).toEqual([one]);
    expect(await failuresOf({ ...GATEWAY, privateKey: "PRIVATE-CANARY" })).toEqual(["privateKey: unknown property"]);
    const other = URN.replace("Observation::", "Other::");
    await expect(failuresOf(GATEWAY, other)).rejects.toThrow("gatehouse-drift:index:Other is not served");
  });
});

describe("making and removing an observation", () => {
  it.each([true, false])("asks nobody (preview: %s)", async (preview) => {
    const request = new messages.CreateRequest();
    request.setUrn(URN);
    request.setProperties(wire(GATEWAY));
    request.setPreview(preview);
    const made = await called<InstanceType<typeof messages.CreateResponse>>((done) => client.create(request, done));
    expect(observedIn(made)).toEqual(NONE);
    expect(made.getId()).toBe(preview ? "" : "team-a-observation");
    const removal = new messages.DeleteRequest();
    removal.setUrn(URN);
    await called((done) => client.delete(removal, done));
    expect(asked).toEqual([]);
  });
});

describe("a refresh", () => {
  it("leaves what is as declared, and asks with what the state has", async () => {
    answer = { look: found([]) };
    expect(await refresh(GATEWAY, NONE)).toEqual(NONE);
    expect(asked).toMatchObject([{ programId: "p-1", connection: { privateKey: "PRIVATE-CANARY" } }]);
    const [inputs] = asked;
    expect(inputs && payloadOf(inputs.subject)).toEqual({
      machineId: MACHINE_ID,
      alwaysOn: false,
      gateways: [GATEWAY.gateway],
    });
  });

  it.each<[Deviation["kind"], Deviation["mending"], readonly string[]]>([
    ["mode", "repair", ["gateway", "verify"]],
    ["generation", "up", ["gateway", "verify"]],
    ["generation-damaged", "up", ["agent", "gateway", "verify"]],
    ["user-missing", "up", ["account", "access", "agent", "gateway", "verify"]],
    ["user-rights", "by hand", []],
  ])("says that %s has drifted, and which phases are behind it", async (kind, mending, due) => {
    answer = { look: found([deviation(kind, mending)], [deviation("sleep")]) };
    const after = await refresh(GATEWAY, { ...NONE, repeats: { gateway: 3 } });
    expect(after).toMatchObject({ due, repeats: { gateway: 3 } });
    expect(after?.["deviations"]).toEqual([
      expect.stringMatching(new RegExp(`^${kind}: /x differs \\(.*likely a hand`)),
    ]);
  });

  it("of a machine sees the machine, and its phase", async () => {
    answer = { look: { ...found([], [deviation("sleep"), deviation("runtime", "up")]), gateways: [] } };
    expect(await refresh(MACHINE, NONE)).toMatchObject({
      deviations: [expect.stringMatching(/^sleep: /), expect.stringMatching(/^runtime: /)],
      due: ["runtime"],
    });
    const [inputs] = asked;
    expect(inputs && payloadOf(inputs.subject)).toEqual({
      machineId: MACHINE_ID,
      alwaysOn: true,
      runtime: "r-1",
      gateways: [],
    });
  });

  it("of a gateway says that its machine is another one", async () => {
    answer = { look: found([], [deviation("another-machine", "by hand")]) };
    expect(await refresh(GATEWAY, NONE)).toMatchObject({
      deviations: [expect.stringMatching(/^another-machine/)],
      due: [],
    });
  });

  it("that nobody answers keeps what was known, and is never 'no drift'", async () => {
    answer = { look: SILENT };
    const before: Observed = { deviations: [MODE], due: ["gateway"], repeats: {} };
    const after = { ...before, deviations: [MODE, "unreachable: dial tcp: refused"] };
    expect(await refresh(GATEWAY, before)).toEqual(after);
    // again and again it is the same
    expect(await refresh(GATEWAY, after)).toEqual(after);
    expect(await refresh(GATEWAY, NONE)).toMatchObject({ deviations: ["unreachable: dial tcp: refused"] });
    expect(said[0]).toContain("check the network");
  });
});

describe("the difference of an observation", () => {
  it("is none for other inputs alone: they are recorded without a connection", async () => {
    expect(await difference(NONE)).toEqual({ changes: false, paths: [] });
  });

  it("is every deviation and every phase behind it", async () => {
    const before: Observed = { deviations: [MODE, "x"], due: ["gateway"], repeats: {} };
    expect(await difference(before)).toEqual({ changes: true, paths: ["deviations[0]", "deviations[1]", "due[0]"] });
    expect(asked).toEqual([]);
  });
});

describe("an update", () => {
  const drifted: Observed = { deviations: [MODE], due: ["gateway", "verify"], repeats: { verify: 1 } };
  const mended = { deviations: [], due: [], repeats: { gateway: 1, verify: 2 } };

  it("is planned without asking anybody, with every value known", async () => {
    expect(await update(GATEWAY, drifted, true)).toEqual(mended);
    expect(asked).toEqual([]);
  });

  it("mends on the machine, says what was done, and runs the phases again", async () => {
    answer = { repair: { before: found([deviation("mode")]), done: ["set a mode"], after: found([]) } };
    expect(await update(GATEWAY, drifted)).toEqual(mended);
    expect(said).toEqual(["info: set a mode"]);
  });

  it("counts what was broken since the refresh, and leaves to the phases what only they mend", async () => {
    const damaged = found([deviation("generation-damaged", "up")]);
    answer = { repair: { before: damaged, done: [], after: damaged } };
    expect(await update(GATEWAY, drifted)).toEqual({ ...mended, repeats: { agent: 1, gateway: 1, verify: 2 } });
  });

  it("keeps in the state what nobody but a hand can mend", async () => {
    const left = found([deviation("user-rights", "by hand")]);
    answer = { repair: { before: left, done: [], after: left } };
    const after = await update(GATEWAY, { deviations: ["x"], due: [], repeats: {} });
    expect(after).toEqual({ deviations: [expect.stringMatching(/^user-rights.*by hand/)], due: [], repeats: {} });
    expect(said.join()).toContain("still not as declared: user-rights");
  });

  it("fails where the machine gives no answer", async () => {
    answer = { repair: SILENT };
    await expect(update(GATEWAY, drifted)).rejects.toThrow(/dial tcp: refused[^]*check the network/);
  });

  it("that could not repair runs all phases, and does not call it mended", async () => {
    answer = { repair: { kind: "no answer", message: "it did not start [gate]", fix: "look" } };
    expect(await update(GATEWAY, { deviations: ["x"], due: [], repeats: {} })).toEqual({
      deviations: ["unknown: the repair failed: it did not start [gate]"],
      due: [],
      repeats: { account: 1, access: 1, agent: 1, gateway: 1, verify: 1 },
    });
  });

  it("of a state that was never looked at, or without drift, asks nobody", async () => {
    expect(await update(GATEWAY, NONE)).toEqual(NONE);
    expect(await update(GATEWAY, {} as Observed)).toEqual(NONE);
  });
});
