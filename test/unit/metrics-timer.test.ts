import { describe, expect, it } from "vitest";
import { renderTimer } from "../../node/platform/linux/timer.ts";

describe("a user timer", () => {
  it("starts its service at once, then in this rhythm, and after every boot", () => {
    const argv = ["/opt/gatehouse/program/x/gatehouse-node", "collect-metrics"];
    const unit = "openclaw-gateway.service";
    expect(renderTimer({ name: "gatehouse-metrics", unit, description: "Collect", everySeconds: 60, argv })).toEqual({
      "gatehouse-metrics.service": [
        "[Unit]",
        "Description=Collect",
        "",
        "[Service]",
        "Type=oneshot",
        "ExecStart=/opt/gatehouse/program/x/gatehouse-node collect-metrics",
        "TimeoutStartSec=120",
        "Nice=10",
        "UMask=0077",
        "LimitCORE=0",
        "NoNewPrivileges=yes",
        "StandardOutput=null",
        "SyslogLevel=notice",
        "LogLevelMax=notice",
        "",
      ].join("\n"),
      "gatehouse-metrics.timer": [
        "[Unit]",
        "Description=Collect, every 60 s",
        "",
        "[Timer]",
        "OnStartupSec=1s",
        "OnUnitActiveSec=60s",
        "AccuracySec=1s",
        "",
        "[Install]",
        "WantedBy=timers.target",
        "",
      ].join("\n"),
    });
  });
});
