import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXIT } from "../../node/protocol.ts";
import { nodeId, PINNED_NODE, PINNED_NPM, programId } from "../../render/runtime-table.ts";
import { errorOf, NodeBench, nodesCanRun, START_MS, valueOf } from "./node-fixture.ts";

const WRONG_INTEGRITY = `sha512-${Buffer.alloc(64, 1).toString("base64")}`;
const PREFIX = "/opt/gatehouse";

describe.skipIf(!(await nodesCanRun()))("bootstrap", () => {
  let bench: NodeBench;
  beforeAll(async () => {
    bench = await NodeBench.startBare("test-bootstrap");
  }, START_MS);
  afterAll(() => bench.destroy());

  /** Names below Gatehouse's root on the node, hidden ones included. */
  const listing = (): Promise<string> =>
    bench.output(`[ ! -d ${PREFIX} ] || find ${PREFIX} -mindepth 2 -maxdepth 2 -printf '%P\\n' | sort`);
  const complete = (): string =>
    [`node/${nodeId(PINNED_NODE)}`, `program/${bench.programId}`].join("\n"); // prettier-ignore

  describe("of a machine that nobody has touched", () => {
    it("refuses a login without sudo, with a way out, and changes nothing", async () => {
      const error = errorOf("bootstrap", await bench.bootstrap({}, { user: "nosudo" }));
      expect(error).toMatchObject({ layer: "host", code: "no-sudo", exit: EXIT.permission });
      expect(error.message).toContain("nosudo");
      expect(await bench.output("ls -A /opt /var/lib | grep gatehouse || true")).toBe("");
    });

    it("refuses one that should be known: it was replaced or reinstalled", async () => {
      const error = errorOf("bootstrap", await bench.bootstrap({}, { history: "provisioned" }));
      expect(error).toMatchObject({ code: "machine-changed", exit: EXIT.refused });
      expect(error.fix).toContain(await bench.output("cat /etc/machine-id"));
      expect(await bench.output("ls -A /opt /var/lib | grep gatehouse || true")).toBe("");
    });

    it("refuses an archive with another checksum before unpacking, and leaves nothing of it", async () => {
      const [target, archive] = Object.entries(PINNED_NODE.archives).find(([name]) => name === `linux-${process.arch}`) ?? []; // prettier-ignore
      if (target === undefined || archive === undefined) throw new Error("no archive for this machine");
      const node = { ...PINNED_NODE, archives: { [target]: { ...archive, integrity: WRONG_INTEGRITY } } };
      await bench.output(
        "printf '#!/bin/sh\\ntouch /root/unpacked\\n' > /usr/local/bin/tar && chmod 755 /usr/local/bin/tar",
      );
      const error = errorOf("bootstrap", await bench.bootstrap({ node }));
      expect(error).toMatchObject({ layer: "runtime", code: "integrity", exit: EXIT.refused });
      expect(await bench.output("rm /usr/local/bin/tar; ls /root/unpacked 2>/dev/null || true")).toBe("");
      expect(await listing()).toBe("");
    });

    it("refuses npm with another checksum, and leaves nothing of Node either", async () => {
      const npm = { ...PINNED_NPM, integrity: WRONG_INTEGRITY };
      const error = errorOf("bootstrap", await bench.bootstrap({ npm }));
      expect(error).toMatchObject({ code: "integrity", exit: EXIT.refused });
      expect(error.message).toContain("npm");
      expect(await listing()).toBe("");
    });

    it("says that a registry cannot be reached", async () => {
      const downloads = { registry: "http://127.0.0.1:1/" };
      const error = errorOf("bootstrap", await bench.bootstrap({ downloads }));
      expect(error).toMatchObject({ layer: "runtime", code: "download", exit: EXIT.unavailable });
      expect(await listing()).toBe("");
    });

    it("refuses to begin on a disk that is too small, and one that fills up is left clean", async () => {
      await bench.output(`mkdir -p ${PREFIX} && mount -t tmpfs -o size=20m tmpfs ${PREFIX}`);
      try {
        const early = errorOf("bootstrap", await bench.bootstrap());
        expect(early).toMatchObject({ layer: "config or disk", code: "disk-full", exit: EXIT.os });
        const late = errorOf("bootstrap", await bench.bootstrap({ neededMegabytes: 1 }));
        expect(late).toMatchObject({ layer: "config or disk", code: "disk-full", exit: EXIT.os });
        expect(await listing()).toBe("");
      } finally {
        await bench.output(`umount ${PREFIX}`);
      }
    });
  });

  describe("once and again", () => {
    it("installs Node, npm and the program after being killed in the middle", async () => {
      // as a power cut would: the shell and its tar are gone while unpacking is under way
      const script = bench.bootstrapScript();
      await bench.output("cat > /root/bootstrap.sh", script);
      const killed = await bench.node.exec(
        `setsid sh /root/bootstrap.sh >/dev/null 2>&1 & pid=$!
         for _ in $(seq 600); do [ -d ${PREFIX}/node/.staging-${nodeId(PINNED_NODE)}-$pid/tree/bin ] && break; sleep 0.05; done
         kill -9 -- -$pid; ls -A ${PREFIX}/node`,
      );
      expect(killed.stdout).toMatch(/^\.staging-/);
      const before = Date.now();
      const value = valueOf(await bench.bootstrap({}, { history: "provisioned" }));
      process.stderr.write(`bootstrap: ${String(Date.now() - before)} ms\n`);
      expect(value).toEqual({
        machineId: await bench.output("cat /etc/machine-id"),
        target: `linux-${process.arch}`,
        nodePath: `${PREFIX}/node/${nodeId(PINNED_NODE)}/bin/node`,
        programPath: `${PREFIX}/program/${bench.programId}/gatehouse-node`,
        action: "installed",
      });
      expect(await listing()).toBe(complete());
      expect(await bench.output(`${value.nodePath} --version`)).toBe(`v${PINNED_NODE.version}`);
    });

    it("is 'present' the second time, in a second and without the network", async () => {
      const downloads = { registry: "http://127.0.0.1:1/" };
      const before = Date.now();
      const value = valueOf(await bench.bootstrap({ downloads }, { history: "provisioned" }));
      expect(value.action).toBe("present");
      expect(Date.now() - before).toBeLessThan(10_000);
      expect(await listing()).toBe(complete());
    });

    it("belongs to root and can be written by nobody else, and read by everybody", async () => {
      expect(await bench.output(`find ${PREFIX} ! -type l -perm /022`)).toBe("");
      expect(await bench.output(`find ${PREFIX} ! -user root -o ! -group root`)).toBe("");
      expect(await bench.output(`find ${PREFIX} ! -type l ! -perm -004`)).toBe("");
      expect(await bench.output("stat -c '%a %U' /var/lib/gatehouse /var/lib/gatehouse/machine.json")).toBe("700 root\n600 root"); // prettier-ignore
      const help = await bench.node.exec(`${PREFIX}/program/${bench.programId}/gatehouse-node --help`, { user: "nosudo" }); // prettier-ignore
      expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining("usage: gatehouse-node") as string });
    });

    it("repairs a program that was changed, and a Node that does not run", async () => {
      const program = `${PREFIX}/program/${bench.programId}/gatehouse-node.mjs`;
      const before = await bench.output(`sha256sum ${program}`);
      await bench.output(`echo '// tampered' >> ${program}`);
      expect(valueOf(await bench.bootstrap()).action).toBe("installed");
      expect(await bench.output(`sha256sum ${program}`)).toBe(before);
      await bench.output(`printf broken > ${PREFIX}/node/${nodeId(PINNED_NODE)}/bin/node`);
      expect(valueOf(await bench.bootstrap()).action).toBe("installed");
      expect(await bench.output(`${PREFIX}/node/${nodeId(PINNED_NODE)}/bin/node --version`)).toBe(`v${PINNED_NODE.version}`); // prettier-ignore
      expect(await listing()).toBe(complete());
    });

    it("puts another program beside the first one", async () => {
      const other = { programText: `${bench.program.programText}// other\n` };
      const hash = createHash("sha256").update(other.programText).digest("hex");
      expect(valueOf(await bench.bootstrap({ program: { ...other, hash } })).action).toBe("installed");
      const names = (await listing()).split("\n");
      expect(names).toContain(`program/${programId({ node: PINNED_NODE, programHash: hash })}`);
      expect(names).toContain(`program/${bench.programId}`);
      const damaged = { ...other, hash: "0".repeat(64) };
      const error = errorOf("bootstrap", await bench.bootstrap({ program: damaged }));
      expect(error).toMatchObject({ layer: "config or disk", code: "write" });
      expect((await listing()).split("\n")).toEqual(names);
    });

    it("two at the same time both succeed", async () => {
      await bench.output(`rm -rf ${PREFIX}/program/${bench.programId}`);
      const both = await Promise.all([bench.bootstrap(), bench.bootstrap()]);
      for (const each of both) valueOf(each);
      expect(await listing()).toContain(`program/${bench.programId}`);
      expect(await listing()).not.toContain("staging");
    });

    it("cleans up what a dead run left and leaves a living one's alone", async () => {
      const names = await bench.output(
        `sleep 300 >/dev/null 2>&1 & live=$!; true & dead=$!; wait $dead
         mkdir ${PREFIX}/node/.staging-x-$dead ${PREFIX}/program/.staging-x-$dead ${PREFIX}/node/.staging-x-$live
         echo $live`,
      );
      valueOf(await bench.bootstrap());
      expect((await listing()).split("\n").filter((name) => name.includes("staging"))).toEqual([`node/.staging-x-${names}`]); // prettier-ignore
      await bench.output(`kill ${names}; rmdir ${PREFIX}/node/.staging-x-${names}`);
    });
  });

  describe("of a machine that was replaced", () => {
    it("is refused, unless the author pins the new machine's id", async () => {
      const before = await bench.output("cat /etc/machine-id");
      const after = await bench.node.replaceMachineId();
      for (const history of ["provisioned", "first contact"] as const) {
        const error = errorOf("bootstrap", await bench.bootstrap({}, { history }));
        expect(error).toMatchObject({ code: "machine-changed", exit: EXIT.refused });
        expect(error.message).toContain(before);
        expect(error.fix).toContain(after);
      }
      const wrong = errorOf("bootstrap", await bench.bootstrap({ machine: { machineId: before } }));
      expect(wrong).toMatchObject({ code: "machine-changed", exit: EXIT.refused });
      valueOf(await bench.bootstrap({ machine: { machineId: after.toUpperCase() } }, { history: "provisioned" }));
      expect(valueOf(await bench.bootstrap({}, { history: "provisioned" })).machineId).toBe(after);
    });
  });
});
