import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packNodeArchive, serveArchive, startMacosStandIn, STAND_IN, type RegistryMirror, type StandInArchive } from "../../sandbox/macos/index.ts"; // prettier-ignore
import { bundleNodeProgram } from "../../node/bundle.ts";
import { destroyNode } from "../../sandbox/node/index.ts";
import { renderBootstrap } from "../../render/bootstrap.ts";
import { bootstrapCommand } from "../../render/program-command.ts";
import { nodePath, PINNED_NODE } from "../../render/runtime-table.ts";
import { MacBench } from "./macos-fixture.ts";
import { nodesCanRun, operatorDownloads, START_MS } from "./node-fixture.ts";

const LABEL = "ai.test.gateway";
const USER = "_gh_test";
const UID = 455;

/** What is shown here holds for the stand-in. It is no evidence of how a Mac behaves. */
describe.skipIf(!(await nodesCanRun()))("stand-in for a Mac", () => {
  let directory: string;
  let mac: MacBench;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "gatehouse-mac-"));
    const progress: string[] = [];
    const node = await startMacosStandIn({ name: "test-mac", stateDir: join(directory, "node"), progress: (line) => void progress.push(line) }); // prettier-ignore
    mac = new MacBench(node);
    expect(progress).toContain("test-mac is a stand-in for a Mac, not a Mac");
  }, START_MS);
  afterAll(async () => {
    await destroyNode(join(directory, "node"));
    await rm(directory, { recursive: true, force: true });
  });

  it("has the programs of macOS where macOS has them, and none that Linux alone has", async () => {
    expect(await mac.output("uname -sm; sw_vers -productName; echo $PATH")).toBe("Darwin x86_64\nmacOS\n/usr/bin:/bin:/usr/sbin:/sbin"); // prettier-ignore
    expect(await mac.output("for name in launchctl dscl pmset sysadminctl; do command -v $name; done")).toBe(
      "/bin/launchctl\n/usr/bin/dscl\n/usr/bin/pmset\n/usr/sbin/sysadminctl",
    );
    const linuxOnly =
      "systemctl loginctl useradd groupadd runuser getent journalctl setfacl ip ss timeout flock sha256sum setpriv";
    expect(await mac.output(`for name in ${linuxOnly}; do command -v $name; done; true`)).toBe("");
    const refused = ["mv -T a b", "stat -c %a /", "date -d now", "sed -i s/a/b/ /etc/hosts </dev/null", "find / -maxdepth 0 -printf x", "ls --color", "readlink -m /"]; // prettier-ignore
    for (const command of refused) expect(await mac.status(command), command).not.toBe(0);
    expect(await mac.output("env -i PATH=/bin echo --long; echo x | xargs echo -d")).toBe("--long\n-d x");
    expect(await mac.output("readlink /etc /var /tmp; cd /tmp && pwd -P")).toBe("private/etc\nprivate/var\nprivate/tmp\n/private/tmp"); // prettier-ignore
  });

  it("keeps the caller's HOME under sudo, and asks everybody but ops for a password", async () => {
    const { stdout } = await mac.node.exec('sudo -n -u nobody /bin/sh -c "echo $HOME"', { user: "ops" });
    expect(stdout).toBe("/Users/ops\n");
    expect(await mac.node.exec("sudo -n true", { user: "nosudo" })).toMatchObject({ code: 1, stderr: "sudo: a password is required\n" }); // prettier-ignore
  });

  it("makes a user that the kernel knows too", async () => {
    await mac.output(
      [
        `dscl . -create /Groups/${USER} PrimaryGroupID ${UID}`,
        `dscl . -create /Users/${USER} UniqueID ${UID}`,
        `dscl . -create /Users/${USER} PrimaryGroupID ${UID}`,
        `dscl . -create /Users/${USER} NFSHomeDirectory /Users/${USER}`,
        `dscl . -create /Users/${USER} UserShell /usr/bin/false`,
        `dscl . -create /Users/${USER} RealName 'A gateway'`,
        `mkdir -m 0700 /Users/${USER} && chown ${USER}:${USER} /Users/${USER}`,
      ].join(" && "),
    );
    expect(await mac.output(`id ${USER}`)).toBe(`uid=${UID}(${USER}) gid=${UID}(${USER}) groups=${UID}(${USER}),12(everyone),61(localaccounts)`); // prettier-ignore
    expect(await mac.output(`dscl . -read /Users/${USER} RealName UniqueID`)).toBe(`RealName:\n A gateway\nUniqueID: ${UID}`); // prettier-ignore
    expect(await mac.output(`stat -f '%Lp %Su %Sg' /Users/${USER}`)).toBe(`700 ${USER} ${USER}`);
    expect(await mac.status(`dscl . -read /Users/nobody-of-that-name`)).toBe(56);
    expect((await mac.node.exec(`dscl . -create /Users/x`, { user: "nosudo" })).code).toBe(40);
  });

  describe("launchd", () => {
    const log = `/Users/${USER}/job.log`;
    const script =
      'trap "" TERM; echo "up $(id -un) $(umask) $(pwd) ${KEY-} ${HOME-none} $(id -Gn)"; while :; do sleep 1; done';
    let plist: string;

    it("starts a real process as its user, with what the plist gives it and nothing else", async () => {
      plist = await mac.writeJob(LABEL, {
        ProgramArguments: ["/bin/sh", "-c", script],
        UserName: USER,
        KeepAlive: true,
        ThrottleInterval: 3,
        ExitTimeOut: 60,
        Umask: 63,
        WorkingDirectory: `/Users/${USER}`,
        StandardOutPath: log,
        EnvironmentVariables: { KEY: "value" },
      });
      await mac.output(`launchctl bootstrap system ${plist}`);
      await mac.until(`test -s ${log}`);
      expect(await mac.output(`cat ${log}`)).toBe(
        `up ${USER} 0077 /Users/${USER} value none ${USER} everyone localaccounts`,
      );
      expect(await mac.output(`stat -f '%Lp %Su' ${log}`)).toBe(`600 ${USER}`);
      const job = await mac.job(LABEL);
      expect(Object.fromEntries(job)).toMatchObject({ state: "running", username: USER, group: USER, "minimum runtime": "3", "exit timeout": "60", runs: "1" }); // prettier-ignore
      expect(await mac.output(`ps -o user= -p ${job.get("pid") ?? ""}`)).toBe(USER);
      expect(await mac.status(`launchctl bootstrap system ${plist}`)).toBe(5);
    });

    it("starts it again after a kill", async () => {
      const before = await mac.pid(LABEL);
      await mac.output(`kill -KILL ${before}`);
      await mac.until(`launchctl print system/${LABEL} | grep -q '^.runs = 2'`);
      const job = await mac.job(LABEL);
      expect(job.get("pid")).not.toBe(String(before));
      expect(job.get("last terminating signal")).toBe("Killed: 9");
    });

    it("holds a job back that ends at once, and whoever asks for it", async () => {
      const label = "ai.test.held";
      const path = await mac.writeJob(label, { ProgramArguments: ["/usr/bin/false"], KeepAlive: true, ThrottleInterval: 600 }); // prettier-ignore
      await mac.output(`launchctl bootstrap system ${path}`);
      await mac.until(`launchctl print system/${label} | grep -q '^.state = spawn scheduled'`);
      await mac.output(`launchctl kickstart system/${label}`);
      const job = await mac.job(label);
      expect(Object.fromEntries(job)).toMatchObject({ "active count": "0", runs: "1", "last exit code": "1" });
      expect(job.has("pid")).toBe(false);
      await mac.output(`launchctl bootout system/${label} && rm ${path}`);
    });

    it("lets go of it only when the process is dead: 5 until then, 113 afterwards", async () => {
      const pid = await mac.pid(LABEL);
      const race = `launchctl bootout system/${LABEL}; launchctl bootstrap system ${plist}; echo $?; launchctl kickstart -k system/${LABEL}; echo $?`;
      expect((await mac.node.exec(race)).stdout).toBe("5\n37\n");
      expect((await mac.job(LABEL)).get("state")).toBe("SIGTERMed");
      await mac.output(`kill -KILL ${pid}`);
      await mac.until(`! launchctl print system/${LABEL}`);
      expect(await mac.status(`launchctl print system/${LABEL}`)).toBe(113);
      expect(await mac.status(`launchctl bootout system/${LABEL}`)).toBe(3);
    });

    it("kills what does not end in time", async () => {
      const label = "ai.test.stubborn";
      const path = await mac.writeJob(label, {
        ProgramArguments: ["/bin/sh", "-c", script],
        RunAtLoad: true,
        ExitTimeOut: 1,
        StandardOutPath: "/private/var/log/stubborn.log",
      });
      await mac.output(`launchctl bootstrap system ${path}`);
      await mac.until("test -s /private/var/log/stubborn.log");
      await mac.output(`launchctl bootout system/${label}`);
      await mac.until(`! launchctl print system/${label}`);
      expect(await mac.output(`log show --last 5m --predicate 'process == "launchd"'`)).toMatch(
        /system\/ai\.test\.stubborn \[\d+\]\) <Warning>: Service did not exit 1 seconds after SIGTERM\. Sending SIGKILL\./,
      );
      await mac.output(`rm ${path}`);
    });

    it.each([
      ["a working directory that is not there", { WorkingDirectory: "/nowhere" }],
      ["a log in a folder that is not there", { StandardOutPath: "/private/var/log/nowhere/x.log", UserName: USER }],
      ["a program that is not there", { ProgramArguments: ["/nowhere"] }],
    ])("ends with 78 and an empty log for %s", async (_name, keys) => {
      const label = "ai.test.broken";
      const path = await mac.writeJob(label, { ProgramArguments: ["/bin/echo", "x"], RunAtLoad: true, ...keys });
      await mac.output(`launchctl bootstrap system ${path}`);
      await mac.until(`launchctl print system/${label} | grep -q '^.last exit code = 78: EX_CONFIG'`);
      await mac.output(`launchctl bootout system/${label} && rm ${path}`);
    });

    it("loads after a reboot what is not disabled", async () => {
      const other = "ai.test.other";
      const path = await mac.writeJob(other, { ProgramArguments: ["/bin/sleep", "600"], KeepAlive: true });
      await mac.output(`launchctl disable system/${LABEL}`);
      expect(await mac.status(`launchctl bootstrap system ${plist}`)).toBe(119);
      const boot = await mac.output("sysctl -n kern.bootsessionuuid");
      await mac.node.reboot();
      expect(await mac.output("sysctl -n kern.bootsessionuuid")).not.toBe(boot);
      expect(await mac.pid(other)).toBeGreaterThan(0);
      expect(await mac.status(`launchctl print system/${LABEL}`)).toBe(113);
      expect(await mac.output("launchctl print-disabled system")).toContain(`"${LABEL}" => disabled`);
      await mac.output(`rm ${path}; launchctl enable system/${LABEL} && launchctl bootstrap system ${plist}`);
      const pid = await mac.pid(LABEL);
      expect(pid).toBeGreaterThan(0);
      await mac.output(`launchctl bootout system/${LABEL} && kill -KILL ${pid}`);
    });
  });

  it("shows real listeners, as the user who asks may see them", async () => {
    const port = mac.node.ssh.port;
    expect(await mac.output(`lsof -nP -iTCP:${port} -sTCP:LISTEN`)).toMatch(new RegExp(`^sshd +\\d+ +root .* TCP 127\\.0\\.0\\.1:${port} \\(LISTEN\\)$`, "m")); // prettier-ignore
    expect((await mac.node.exec(`lsof -nP -iTCP:${port} -sTCP:LISTEN`, { user: "nosudo" })).code).toBe(1);
  });

  it("remembers power settings and takes them from root alone", async () => {
    expect(await mac.node.exec("pmset -a sleep 0", { user: "ops" })).toEqual({ code: 1, stdout: "'pmset' must be run as root...\n", stderr: "" }); // prettier-ignore
    await mac.output("pmset -a sleep 0 womp 1 autorestart 1");
    expect(await mac.output("pmset -g custom")).toMatch(/^AC Power:\n(?:.*\n)* sleep {16}0$/m);
  });

  describe("and Gatehouse's bootstrap", () => {
    let archive: StandInArchive;
    let mirror: RegistryMirror;
    beforeAll(async () => {
      archive = await packNodeArchive(directory);
      mirror = await serveArchive(archive, (await operatorDownloads()).registry);
    }, START_MS);
    afterAll(() => mirror.close());

    it("installs Node for macOS, which is one for Linux that says otherwise to Gatehouse's program alone", async () => {
      const node = { version: PINNED_NODE.version, archives: { "darwin-x64": archive } };
      const downloads = { ...(await operatorDownloads()), registry: mirror.url };
      const stdin = renderBootstrap({ machine: {}, downloads, node, program: bundleNodeProgram() });
      const done = await mac.node.exec(bootstrapCommand("first contact"), { user: "ops", stdin });
      expect(done.stderr + String(done.code)).toMatch(/0$/);
      expect(done.stdout).toContain('"target":"darwin-x64"');
      const uuid = await mac.output(
        "ioreg -rd1 -c IOPlatformExpertDevice | awk -F'\"' '/IOPlatformUUID/ { print $4 }'",
      );
      expect(done.stdout).toContain(`"machineId":"${uuid}"`);

      const installed = nodePath(node);
      const ask = (script: string): Promise<string> => mac.output(`cat >${script}; ${installed} ${script}`, "console.log(process.platform, process.execPath, process.execArgv.length, require('fs').existsSync('/proc/1/stat'));"); // prettier-ignore
      expect(await ask("/opt/gatehouse/program/probe.cjs")).toBe(`darwin ${installed} 0 true`);
      expect(await ask("/private/tmp/probe.cjs")).toBe(`linux ${installed} 0 true`);
      const hidden = 'import { readFile } from "node:fs/promises"; await readFile("/proc/1/stat").then(() => console.log("seen"), (error) => console.log(error.code));'; // prettier-ignore
      expect(await mac.output(`cat >/opt/gatehouse/program/probe.mjs; ${installed} /opt/gatehouse/program/probe.mjs`, hidden)).toBe("ENOENT"); // prettier-ignore
    });
  });

  it("names itself where somebody may take it for a Mac", async () => {
    expect(await mac.output("launchctl version; uname -v")).toMatch(/stand-in for launchd.*\n.*stand-in/);
    expect(await mac.output(`ls ${STAND_IN}`)).toContain("programs.mjs");
  });
});
