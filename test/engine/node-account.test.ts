import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXIT, type AccountPayload } from "../../node/protocol.ts";
import { renderEnvironmentFile } from "../../node/environment-file.ts";
import { errorOf, NodeBench, nodesCanRun, START_MS, valueOf } from "./node-fixture.ts";

const payload = (user: string, changes: Partial<AccountPayload> = {}): AccountPayload => ({
  machine: {},
  gateway: `gw-${user}`,
  user,
  home: `/home/${user}`,
  sharedDirectories: [],
  purge: false,
  ...changes,
});

describe.skipIf(!(await nodesCanRun()))("account", () => {
  let bench: NodeBench;
  beforeAll(async () => {
    bench = await NodeBench.start("test-account");
    valueOf(await bench.bootstrap());
  }, START_MS);
  afterAll(() => bench.destroy());

  const registered = (): Promise<string> => bench.output("ls /var/lib/gatehouse/gateways");

  describe("of a new user", () => {
    it("has a home for itself alone, no password, no login and no sudo", async () => {
      const value = valueOf(await bench.apply("account", payload("oc-a"), { history: "first contact" }));
      expect(await bench.output("getent passwd oc-a")).toBe(
        `oc-a:x:${value.uid}:${value.gid}:OpenClaw gateway gw-oc-a (gatehouse):/home/oc-a:/usr/sbin/nologin`,
      );
      expect(value.uid).toBeGreaterThanOrEqual(1000);
      expect(await bench.output("stat -c '%a %U:%G' /home/oc-a")).toBe("700 oc-a:oc-a");
      expect(await bench.output("passwd --status oc-a | cut -d' ' -f2")).toBe("L");
      expect(await bench.output("id -Gn oc-a")).toBe("oc-a");
      const sudo = await bench.node.exec("runuser -u oc-a -- sudo -n true");
      expect(sudo.code).not.toBe(0);
      expect(await registered()).toBe("gw-oc-a.json");
    });

    it("has a service manager that needs no login and comes back after a reboot", async () => {
      const uid = await bench.output("id -u oc-a");
      const state = `runuser -u oc-a -- env XDG_RUNTIME_DIR=/run/user/${uid} systemctl --user is-system-running`;
      expect(await bench.output("ls /var/lib/systemd/linger")).toContain("oc-a");
      expect(await bench.output(state)).toBe("running");
      await bench.node.reboot();
      expect(await bench.output(`for _ in $(seq 100); do [ -S /run/user/${uid}/bus ] && break; sleep 0.1; done; ${state} --wait`)).toBe("running"); // prettier-ignore
    });

    it("can reach a home whose parents had to be made", async () => {
      const home = "/srv/made/by/oc-deep";
      valueOf(await bench.apply("account", payload("oc-deep", { home })));
      expect(await bench.output(`stat -c '%a %U' /srv/made /srv/made/by ${home}`)).toBe(
        "755 root\n755 root\n700 oc-deep",
      );
      expect((await bench.node.exec(`runuser -u oc-deep -- touch ${home}/x`)).code).toBe(0);
    });

    it("is left as it is the second time", async () => {
      await bench.output("echo kept > /home/oc-a/kept && chmod 0755 /home/oc-a");
      const before = await bench.output("getent passwd oc-a; ls -i /var/lib/gatehouse/gateways/gw-oc-a.json");
      valueOf(await bench.apply("account", payload("oc-a")));
      expect(await bench.output("getent passwd oc-a; ls -i /var/lib/gatehouse/gateways/gw-oc-a.json")).toBe(before);
      expect(await bench.output("stat -c %a /home/oc-a; cat /home/oc-a/kept")).toBe("700\nkept");
    });

    it("is completed after a run that was killed between useradd and the rest", async () => {
      await bench.output("useradd --no-create-home --home-dir /home/oc-half --user-group -s /usr/sbin/nologin oc-half && mkdir -m 0700 /home/oc-half"); // prettier-ignore
      valueOf(await bench.apply("account", payload("oc-half")));
      expect(await bench.output("stat -c '%a %U' /home/oc-half")).toBe("700 oc-half");
      expect(await registered()).toContain("gw-oc-half.json");
    });

    it("reads an EnvironmentFile as Gatehouse writes it, byte for byte, in its own manager", async () => {
      const value = '"quoted" $HOME ${HOME} %h `id` \\ \\n \'x\' # ; é 𝒳\tend\nnext="line"\nOPENCLAW_OTHER=no';
      const file = renderEnvironmentFile(new Map([["OPENCLAW_TEST", value], ["OPENCLAW_LAST", "last"]])); // prettier-ignore
      const uid = await bench.output("id -u oc-a");
      await bench.output("runuser -u oc-a -- sh -c 'umask 077; cat > /home/oc-a/test.env'", file);
      const seen = await bench.output(
        `runuser -u oc-a -- env DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/${uid}/bus systemd-run --user --wait --pipe --quiet ` +
          "-p EnvironmentFile=/home/oc-a/test.env env -0",
      );
      const assignments = seen.split("\0").filter((line) => line.startsWith("OPENCLAW_"));
      expect(assignments.sort()).toEqual(["OPENCLAW_LAST=last", `OPENCLAW_TEST=${value}`]);
    });
  });

  describe("of a user that exists", () => {
    const refused = { layer: "host", code: "account-refused", exit: EXIT.refused };
    it.each([
      ["a password", "useradd -m oc-x && echo oc-x:secret-of-oc-x | chpasswd", "password"],
      ["an empty password", "useradd -m oc-x && passwd -d oc-x >/dev/null", "password"],
      ["a privileged group", "useradd -m -G sudo oc-x", "sudo"],
      ["a system uid", "useradd -r -d /home/oc-x oc-x", "system uid"],
      ["another home", "useradd -m -d /srv/oc-x oc-x", "/srv/oc-x"],
      ["a home that belongs to somebody else", "mkdir /home/oc-x && chown ops /home/oc-x", "/home/oc-x exists"],
      ["a link in place of its home", "ln -s /root /home/oc-x", "not a directory"],
    ])("with %s is refused, and nothing changes", async (_name, setup, words) => {
      await bench.output(setup);
      try {
        const before = await bench.output("cat /etc/passwd /etc/shadow /etc/group; ls -ld /home/* /root");
        const error = errorOf("account", await bench.apply("account", payload("oc-x")));
        expect(error).toMatchObject(refused);
        expect(error.message).toContain(words);
        expect(await bench.output("cat /etc/passwd /etc/shadow /etc/group; ls -ld /home/* /root")).toBe(before);
        expect(await registered()).not.toContain("gw-oc-x");
        expect(await bench.output("ls /var/lib/systemd/linger")).not.toContain("oc-x");
      } finally {
        await bench.output("userdel oc-x 2>/dev/null; rm -rf /home/oc-x /srv/oc-x; true");
      }
    });
    it.each([
      ["another user's home", "/home/ops/oc-x", "true"],
      ["a directory that everybody can write to", "/tmp/oc-x", "true"],
      ["a link into another user's home", "/srv/link/oc-x", "ln -s /home/ops /srv/link"],
    ])("and would live below %s is refused, and not made", async (_name, home, setup) => {
      await bench.output(setup);
      const error = errorOf("account", await bench.apply("account", payload("oc-x", { home })));
      expect(error).toMatchObject(refused);
      expect(error.message).toContain("root");
      expect((await bench.node.exec(`getent passwd oc-x || ls ${home}`)).code).not.toBe(0);
    });
    it("is refused to a second gateway", async () => {
      const error = errorOf("account", await bench.apply("account", payload("oc-a", { gateway: "gw-other" })));
      expect(error).toMatchObject(refused);
      expect(error.message).toContain("gw-oc-a");
    });
    it("is not root, ever", async () => {
      const error = errorOf("account", await bench.apply("account", payload("root", { home: "/root" })));
      expect(error).toMatchObject({ code: "payload", exit: EXIT.usage });
    });
  });

  describe("with shared directories", () => {
    const shared = "/srv/handbook";
    const withShared = (sharedDirectories: readonly string[]) => payload("oc-reader", { sharedDirectories });
    const as = async (user: string, command: string) =>
      (await bench.node.exec(`runuser -u ${user} -- sh -c '${command}'`)).code === 0;
    const directory = (path: string) =>
      bench.output(`mkdir -p ${path}/sub && echo text | tee ${path}/file ${path}/sub/file >/dev/null && chmod -R o= ${path}`); // prettier-ignore

    it("reads them and what comes later, writes nothing, and opens them to nobody else", async () => {
      await directory(shared);
      valueOf(await bench.apply("account", withShared([shared])));
      await bench.output(`umask 077; echo later > ${shared}/sub/later`);
      expect(await as("oc-reader", `cat ${shared}/file ${shared}/sub/file ${shared}/sub/later`)).toBe(true);
      expect(await as("oc-reader", `touch ${shared}/new || echo x >> ${shared}/file`)).toBe(false);
      expect(await as("nosudo", `ls ${shared}`)).toBe(false);
      expect(await bench.output(`stat -c %a ${shared} ${shared}/file`)).toMatch(/^7.0\n6.0$/);
    });
    it("keeps the access a group already gives, without an access list", async () => {
      const grouped = "/srv/grouped";
      await directory(grouped);
      await bench.output(`chgrp -R oc-reader ${grouped}`);
      valueOf(await bench.apply("account", withShared([shared, grouped])));
      expect(await as("oc-reader", `cat ${grouped}/sub/file`)).toBe(true);
      expect(await bench.output(`getfacl -cs ${grouped}`)).toBe("");
    });
    it.each([
      ["that is not there", "/srv/none", "true", /does not exist/],
      ["that is a link", "/srv/linked", `ln -s ${shared} /srv/linked`, /is a link/],
      [
        "that is open to everybody",
        "/srv/open",
        "mkdir -m 0755 /srv/open",
        /open to every user of the node \(mode 755\)/,
      ],
      [
        "of its own",
        "/srv/own",
        "install -d -m 0700 -o oc-reader /srv/own",
        /belongs to oc-reader, who could change it/,
      ],
      ["below a directory of others", "/home/ops/docs", "mkdir -m 0700 -p /home/ops/docs", /lies below \/home\/ops/],
      [
        "that its group lets it write",
        "/srv/team",
        "install -d -m 0770 -g oc-reader /srv/team",
        /can write the shared/,
      ],
      ["behind a closed parent", "/srv/closed/in", "mkdir -m 0700 -p /srv/closed && mkdir -m 0750 /srv/closed/in", /cannot read the shared/], // prettier-ignore
    ])("refuses one %s", async (_, path, setup, message) => {
      await bench.output(setup);
      const error = errorOf("account", await bench.apply("account", withShared([shared, path])));
      expect(error).toMatchObject({ layer: "host", code: "shared-directory", exit: EXIT.refused });
      expect(error.message).toMatch(message);
    });
    it("says what to install where access lists can't be set", async () => {
      await directory("/srv/more");
      await bench.output("mv /usr/bin/setfacl /usr/bin/setfacl.away");
      const error = errorOf("account", await bench.apply("account", withShared([shared, "/srv/more"])));
      await bench.output("mv /usr/bin/setfacl.away /usr/bin/setfacl");
      expect(error).toMatchObject({ code: "tool-missing" });
      expect(error.fix).toContain("acl for shared directories");
    });
    it("loses the access with the directory's place in the spec, and the rest with the gateway", async () => {
      valueOf(await bench.apply("account", withShared(["/srv/more"])));
      expect(await as("oc-reader", `ls ${shared} || cat ${shared}/sub/later`)).toBe(false);
      expect(await as("oc-reader", "cat /srv/more/sub/file")).toBe(true);
      const { removed } = valueOf(await bench.remove("account", payload("oc-reader")));
      expect(removed).toContain("access of oc-reader to /srv/more");
      expect(await as("oc-reader", "cat /srv/more/sub/file")).toBe(false);
    });
  });

  describe("called wrongly", () => {
    it("needs root", async () => {
      const error = errorOf("account", await bench.apply("account", payload("oc-a"), { user: "nosudo" }));
      expect(error).toMatchObject({ code: "no-sudo", exit: EXIT.permission });
    });
    it("refuses another machine before anything else", async () => {
      const machine = { machineId: "f".repeat(32) };
      const error = errorOf("account", await bench.apply("account", payload("oc-new", { machine })));
      expect(error).toMatchObject({ code: "machine-changed", exit: EXIT.refused });
      expect((await bench.node.exec("getent passwd oc-new")).code).not.toBe(0);
    });
  });

  describe("removed", () => {
    it("keeps user and files, but neither linger nor a process", async () => {
      const uid = await bench.output("id -u oc-a");
      await bench.output("setpriv --reuid oc-a --regid oc-a --clear-groups setsid sleep 600 >/dev/null 2>&1 &");
      const removed = valueOf(await bench.remove("account", payload("oc-a")));
      expect(removed).toEqual({
        removed: ["linger and service manager of oc-a"],
        kept: ["user oc-a with /home/oc-a"],
      });
      expect(await bench.output(`ps -o pid= -u ${uid} || true`)).toBe("");
      expect(await bench.output("ls /var/lib/systemd/linger")).not.toContain("oc-a");
      expect(await bench.output("cat /home/oc-a/kept")).toBe("kept");
      expect(await registered()).not.toContain("gw-oc-a.json");
    });
    it("never deletes a user without Gatehouse's record, even when asked to purge", async () => {
      const removed = valueOf(await bench.remove("account", payload("oc-a", { purge: true })));
      expect(removed.kept).toEqual(["user oc-a with /home/oc-a"]);
      expect(await bench.output("cat /home/oc-a/kept")).toBe("kept");
    });
    it("takes user, group and files with it when asked to, once it is ours again", async () => {
      valueOf(await bench.apply("account", payload("oc-a")));
      const removed = valueOf(await bench.remove("account", payload("oc-a", { purge: true })));
      expect(removed.removed).toContain("user oc-a with /home/oc-a");
      expect(await bench.output("getent passwd oc-a; getent group oc-a; ls /home | grep -x oc-a || true")).toBe("");
      expect(valueOf(await bench.remove("account", payload("oc-a", { purge: true })))).toEqual({
        removed: [],
        kept: [],
      });
    });
    it("does not touch the user of another gateway", async () => {
      const wrong = payload("oc-half", { gateway: "gw-other", purge: true });
      expect(errorOf("account", await bench.remove("account", wrong))).toMatchObject({ code: "account-refused" });
      expect(await bench.output("getent passwd oc-half | cut -d: -f1")).toBe("oc-half");
    });
  });
});
