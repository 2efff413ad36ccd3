import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXIT, type RuntimePayload } from "../../node/protocol.ts";
import { gzipBase64, shippedOpenclawLock } from "../../render/openclaw-lock.ts";
import { nodePath, PINNED_NODE, runtimeId } from "../../render/runtime-table.ts";
import { DEFAULT_OPENCLAW_VERSION } from "../../spec/runtime.ts";
import { errorOf, NodeBench, nodesCanRun, START_MS, valueOf } from "./node-fixture.ts";

const RUNTIMES = "/opt/gatehouse/runtime";
const lock = shippedOpenclawLock();
const id = runtimeId({ node: PINNED_NODE, openclawVersion: DEFAULT_OPENCLAW_VERSION, ...lock });
const target = `${RUNTIMES}/${id}`;

describe.skipIf(!(await nodesCanRun()))("runtime", () => {
  let bench: NodeBench;
  beforeAll(async () => {
    bench = await NodeBench.startBare("test-runtime");
    valueOf(await bench.bootstrap());
  }, START_MS);
  afterAll(() => bench.destroy());

  const payload = (changes: Partial<RuntimePayload["runtime"]> = {}): RuntimePayload => ({
    machine: {},
    downloads: bench.downloads,
    runtime: {
      id,
      openclawVersion: DEFAULT_OPENCLAW_VERSION,
      nodePath: nodePath(PINNED_NODE),
      packageJson: lock.packageJson,
      lockfileGzip: gzipBase64(lock.packageLock),
      ...changes,
    },
    alwaysOn: true,
  });
  const listing = (): Promise<string> => bench.output(`ls -A ${RUNTIMES}`);

  /** A runtime of one small package of the shipped lock, so that a refusal is quick. */
  function smallRuntime(integrity: string): Partial<RuntimePayload["runtime"]> {
    const root = { name: "small", version: "0.0.0", dependencies: { [SMALL.name]: SMALL.version } };
    const packages = { "": root, [`node_modules/${SMALL.name}`]: { version: SMALL.version, integrity } };
    return {
      id: "small",
      packageJson: JSON.stringify({ ...root, private: true }),
      lockfileGzip: gzipBase64(JSON.stringify({ ...root, lockfileVersion: 3, requires: true, packages })),
    };
  }

  it("refuses a package with another checksum, and leaves nothing", async () => {
    const wrong = `sha512-${Buffer.alloc(64, 1).toString("base64")}`;
    const error = errorOf("runtime", await bench.apply("runtime", payload(smallRuntime(wrong))));
    expect(error).toMatchObject({ layer: "runtime", code: "integrity", exit: EXIT.refused });
    expect(await listing()).toBe("");
  });
  it("refuses an installation that is not the pinned OpenClaw", async () => {
    const error = errorOf("runtime", await bench.apply("runtime", payload(smallRuntime(SMALL.integrity))));
    expect(error).toMatchObject({ layer: "runtime", code: "openclaw-version", exit: EXIT.refused });
    expect(await listing()).toBe("");
  });
  it("says that a registry cannot be reached", async () => {
    const unreachable = { ...payload(smallRuntime(SMALL.integrity)), downloads: { registry: "http://127.0.0.1:1/" } };
    const error = errorOf("runtime", await bench.apply("runtime", unreachable));
    expect(error).toMatchObject({ layer: "runtime", code: "registry-unreachable", exit: EXIT.unavailable });
    expect(await listing()).toBe("");
  });
  it("refuses to begin on a disk that is too small", async () => {
    await bench.output(`mount -t tmpfs -o size=100m tmpfs ${RUNTIMES}`);
    try {
      const error = errorOf("runtime", await bench.apply("runtime", payload()));
      expect(error).toMatchObject({ layer: "config or disk", code: "disk-full", exit: EXIT.os });
      expect(await listing()).toBe("");
    } finally {
      await bench.output(`umount ${RUNTIMES}`);
    }
  });

  it("installs OpenClaw from the shipped lock, also after it was killed in the middle", async () => {
    // kills phase and npm alike, as a power cut would, while npm is unpacking
    const program = `/opt/gatehouse/program/${bench.programId}/gatehouse-node`;
    const killed = await bench.node.exec(
      `cat > /root/payload
       setsid ${program} apply runtime </root/payload >/root/log 2>&1 & phase=$!
       for _ in $(seq 1200); do [ -d ${RUNTIMES}/.staging-${id}-*/node_modules/openclaw ] && break; sleep 0.05; done
       kill -9 $phase; ls -A ${RUNTIMES}`,
      { stdin: JSON.stringify(payload()) },
    );
    expect(killed.stdout.trim()).toMatch(/^\.staging-/);
    // its npm lives on and writes: the next run has to end it first
    const writers = `for p in /proc/[0-9]*; do case $(readlink $p/cwd) in ${RUNTIMES}/.staging-*) echo $p;; esac; done`;
    expect(await bench.output(`${writers}; true`)).not.toBe("");

    const done = await bench.apply("runtime", payload());
    expect(done.stderr).toContain("removing a half-finished installation");
    expect(valueOf(done)).toEqual({
      machineId: await bench.output("cat /etc/machine-id"),
      runtimeId: id,
      runtimePath: target,
      nodeVersion: `v${PINNED_NODE.version}`,
      openclawVersion: DEFAULT_OPENCLAW_VERSION,
      action: "installed",
    });
    expect(await listing()).toBe(id);
    expect(await bench.output(`${writers}; true`)).toBe("");
  });

  it("is root's, writable by nobody else, complete, and runs as any user", async () => {
    expect(await bench.output(`find ${target} ! -type l -perm /022 | head -3`)).toBe("");
    expect(await bench.output(`find ${target} '(' ! -user root -o ! -group root ')' | head -3`)).toBe("");
    expect(await bench.output(`ls -A ${target}`)).toBe(".complete\nnode_modules\npackage-lock.json\npackage.json");
    const version = await bench.node.exec(
      `${nodePath(PINNED_NODE)} ${target}/node_modules/openclaw/openclaw.mjs --version`,
      { user: "nosudo" },
    );
    expect(version.stdout).toContain(DEFAULT_OPENCLAW_VERSION);
    const write = await bench.node.exec(`touch ${target}/x ${target}/node_modules/openclaw/x`, { user: "nosudo" });
    expect(write.code).not.toBe(0);
  });

  it("is 'present' the second time, without the network", async () => {
    const offline = { ...payload(), downloads: { registry: "http://127.0.0.1:1/" } };
    expect(valueOf(await bench.apply("runtime", offline)).action).toBe("present");
  });

  describe("the machine's sleep", () => {
    const config = "systemd-analyze cat-config systemd/sleep.conf | grep -c '^Allow[A-Za-z]*=no' || true";

    it("is off for as long as the node is to be always on", async () => {
      expect(await bench.output(config)).toBe("4");
      valueOf(await bench.apply("runtime", { ...payload(), alwaysOn: false }));
      expect(await bench.output(config)).toBe("0");
      valueOf(await bench.apply("runtime", payload()));
      expect(await bench.output(config)).toBe("4");
    });
  });

  describe("removed", () => {
    const gateways = "/var/lib/gatehouse/gateways";
    const plant = (runtimes: readonly string[] | undefined): Promise<string> =>
      bench.output(`cat > ${gateways}/gw-a.json`, JSON.stringify({ gateway: "gw-a", user: "oc-a", home: "/home/oc-a", runtimes })); // prettier-ignore

    it("is kept while a gateway needs it, or has not said what it needs", async () => {
      for (const runtimes of [[id], undefined]) {
        await plant(runtimes);
        expect(valueOf(await bench.remove("runtime", payload()))).toEqual({
          removed: [],
          kept: [`${target}: in use by gw-a`],
        });
      }
      expect(await listing()).toBe(id);
    });
    it("goes when no gateway needs it, once and for all", async () => {
      await plant(["openclaw-other"]);
      expect(valueOf(await bench.remove("runtime", payload()))).toEqual({ removed: [target], kept: [] });
      expect(await listing()).toBe("");
      expect(await bench.output("ls /etc/systemd/sleep.conf.d")).toBe("50-gatehouse.conf");
      await bench.output(`rm ${gateways}/gw-a.json`);
      expect(valueOf(await bench.remove("runtime", payload()))).toEqual({ removed: [], kept: [] });
      expect(await bench.output("ls /etc/systemd/sleep.conf.d")).toBe("");
    });
  });
});

/** A package without dependencies that the shipped lock pins, too. */
const SMALL = smallest();

function smallest(): { readonly name: string; readonly version: string; readonly integrity: string } {
  const { packages } = JSON.parse(lock.packageLock) as {
    packages: Record<string, { version?: string; integrity?: string; dependencies?: object; bin?: object }>;
  };
  for (const name of ["ms", "ee-first", "depd"]) {
    const { version, integrity } = packages[`node_modules/${name}`] ?? {};
    if (version !== undefined && integrity !== undefined) return { name, version, integrity };
  }
  throw new Error("the shipped lock has none of the small packages that this test knows");
}
