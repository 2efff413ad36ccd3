import { expect, it } from "vitest";
import { promtool, promtoolIsThere } from "../promtool.ts";

/** A gateway on a stand-in for a Mac, and how a test reaches it. */
export interface MeasuredGateway {
  readonly gateway: string;
  readonly user: string;
  readonly home: string;
  /** Stdout of a command line of root's that has to succeed. */
  readonly output: (command: string, stdin?: string) => Promise<string>;
  /** Returns when the gateway answers. */
  readonly ready: () => Promise<void>;
  /** Details of the drift of its metrics. */
  readonly drifted: () => Promise<readonly string[]>;
  readonly repair: () => Promise<void>;
  /** Returns when the machine is up again. */
  readonly reboot: () => Promise<void>;
}

const SECONDS = 30;

/** What metrics have to do on macOS, in order, of a gateway that serves; some restart it. */
export function itsMetrics({ gateway, user, home, output, ready, drifted, repair, reboot }: MeasuredGateway): void {
  const label = `org.gatehouse.metrics.${gateway}`;
  const gatewayJob = `system/org.gatehouse.gateway.${gateway}`;
  const plist = `/Library/LaunchDaemons/${label}.plist`;
  const textfile = `/var/lib/gatehouse-metrics/${gateway}.prom`;
  const log = `/var/log/gatehouse/${gateway}.log`;

  const print = (): Promise<string> => output(`launchctl print system/${label}`);
  const until = (condition: string) =>
    output(`for _ in $(perl -e 'print "1 " x ${SECONDS * 10}'); do { ${condition}; } >/dev/null 2>&1 && exit 0; sleep 0.1; done; exit 1`); // prettier-ignore
  const gatewayPid = async (): Promise<string> =>
    /^\tpid = (\d+)$/m.exec(await output(`launchctl print ${gatewayJob}`))?.[1] ?? "none";
  /** A run of the job that began after everything before. */
  const collect = async (): Promise<string> => {
    await until(`! launchctl print system/${label} | grep -q '^.pid = '`);
    await output(`rm -f /var/lib/gatehouse-metrics/${gateway}/metrics.prom && launchctl kickstart system/${label}`);
    await until(`test -s ${textfile}`);
    return await output(`cat ${textfile}`);
  };
  const sample = (text: string, series: string): number | undefined => {
    const line = text.split("\n").find((one) => one.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length));
  };
  const of = (name: string, labels = ""): string => `${name}{gateway="${gateway}"${labels}}`;
  const REFUSED = of("gatehouse_gateway_auth_failures_total", ',reason="token_mismatch"');
  const STARTS = of("gatehouse_gateway_starts_total");
  const RESTARTS = of("gatehouse_gateway_restarts_total");
  /** A client of the vendor's with a wrong token. */
  const knock = async (): Promise<void> => {
    const script = `cd ${home}; set -a; . .openclaw/service-env/org.gatehouse.gateway.env; set +a
      field() { sed -n "s/.*\\"$1\\": \\"\\([^\\"]*\\)\\".*/\\1/p" .gatehouse/current/manifest.json; }
      "$(field nodePath)" "$(field cliPath)" gateway call health --json --token wrong-token-0123456789 </dev/null >/dev/null 2>&1 || true`;
    await output(`sudo -u ${user} /usr/bin/env -i HOME=${home} PATH=/usr/bin:/bin TMPDIR=${home}/.openclaw/tmp /bin/sh -s`, script); // prettier-ignore
  };

  it("collects its metrics by a job of root's that runs as its user", async () => {
    const job = await print();
    expect(job).toMatch(new RegExp(`^\\tusername = ${user}$`, "m"));
    expect(job).toMatch(/^\trun interval = 60 seconds$/m);
    expect(job).toMatch(/^\tspawn type = background \(5\)$/m);
    expect(await output(`stat -f '%Lp %Su' ${plist}`)).toBe("644 root");
    const text = await collect();
    expect(sample(text, of("gatehouse_gateway_up"))).toBe(1);
    expect(text.split("\n").filter((line) => line.includes("_source_up{") && !line.endsWith(" 1"))).toEqual([]);
    expect(text.split("\n").filter((line) => line.includes("_deviations{") && !line.endsWith(" 0"))).toEqual([]);
    expect(await output(`stat -L -f '%Lp %Su' ${textfile}`)).toBe(`644 ${user}`);
    expect(await output(`stat -f '%Lp %Su' ${home}/.gatehouse/metrics/state.json`)).toBe(`600 ${user}`);
    expect(await drifted()).toEqual([]);
    if (promtoolIsThere()) expect(promtool(["check", "metrics"], `${text}\n`)).toEqual({ status: 0, text: "" });
  });

  it("counts a refused session once, over a rotation of its log, in the renamed file and in the new one", async () => {
    const before = sample(await collect(), REFUSED) ?? Number.NaN;
    await knock();
    expect(sample(await collect(), REFUSED)).toBe(before + 1);
    await output(`newsyslog -F -f /etc/newsyslog.d/gatehouse-${gateway}.conf`);
    expect(await output(`stat -f '%Lp %Su' ${log} ${log}.0`)).toBe(`600 ${user}\n600 ${user}`);
    expect(sample(await collect(), REFUSED)).toBe(before + 1);
    // launchd's process writes where it wrote before
    await knock();
    expect(await output(`stat -f %z ${log}`)).toBe("0");
    expect(sample(await collect(), REFUSED)).toBe(before + 2);
  });

  it("counts a restart by launchd, which root notes nowhere", async () => {
    const before = await collect();
    const pid = await gatewayPid();
    await output(`kill -KILL ${pid}`);
    await until(`launchctl print ${gatewayJob} | grep '^.pid = ' | grep -qv ' ${pid}$'`);
    await ready();
    await knock();
    const after = await collect();
    expect(sample(after, STARTS)).toBe((sample(before, STARTS) ?? Number.NaN) + 1);
    expect(sample(after, RESTARTS)).toBe((sample(before, RESTARTS) ?? Number.NaN) + 1);
    expect(sample(after, REFUSED)).toBe((sample(before, REFUSED) ?? Number.NaN) + 1);
    expect(sample(await collect(), STARTS)).toBe(sample(after, STARTS));
  });

  it("has its metrics put back when somebody disabled, unloaded or edited their job", async () => {
    const counted = sample(await collect(), REFUSED);
    const pid = await gatewayPid();
    await output(
      `launchctl disable system/${label}; launchctl bootout system/${label}; sed -i '' 's/60/600/' ${plist}`,
    );
    await until(`! launchctl print system/${label}`);
    expect(await drifted()).toEqual([
      `${plist} does not say what it should`,
      `launchd has not loaded ${label}`,
      `${label} is disabled and would not start at a boot`,
    ]);
    await repair();
    expect(await drifted()).toEqual([]);
    await output(`rm ${plist}`);
    expect(await drifted()).toEqual([`${plist} is missing`]);
    await repair();
    expect(await drifted()).toEqual([]);
    expect(await gatewayPid()).toBe(pid);
    expect(sample(await collect(), REFUSED)).toBe(counted);
  });

  it("goes on with its counts after a boot, which is one more start", async () => {
    const before = await collect();
    await reboot();
    await ready();
    expect(await drifted()).toEqual([]);
    const after = await collect();
    expect(sample(after, STARTS)).toBe((sample(before, STARTS) ?? Number.NaN) + 1);
    for (const series of [RESTARTS, REFUSED]) expect(sample(after, series)).toBe(sample(before, series));
  });
}

/** Everything of a gateway's metrics on the machine, once it is gone: nothing. */
export const METRICS_LEFTOVERS =
  "ls /Library/LaunchDaemons | grep gatehouse.metrics; launchctl list | grep gatehouse.metrics; ls -d /var/lib/gatehouse-metrics /var/log/gatehouse/*.log* 2>/dev/null; true";
