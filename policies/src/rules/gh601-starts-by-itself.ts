import { unitOf } from "../gateway-unit.ts";
import { Findings, textAt } from "../read.ts";
import { GATEWAY, NODE } from "../resource.ts";
import { defineRule } from "../rule.ts";

const SYSTEMD = { manager: "systemd-user", starts: "at boot, by linger" } as const;
const LAUNCHD = { manager: "launchd-daemon", starts: "at boot" } as const;

/** What `startsAt: login` asks for: never right by itself, so somebody has to answer for it. */
function isAgent(props: unknown): boolean {
  const [manager, starts] = ["manager", "starts"].map((field) => textAt(props, "service", field));
  return textAt(props, "platform") === "macos" && manager === "launchd-agent" && starts === "at login";
}

export const gh601 = defineRule({
  id: "GH601",
  title: "A gateway that starts without a login, on a machine that stays awake",
  severity: "mandatory",
  reads:
    "`service`, and when it starts and starts again in `unitText` or `launchdJob`, of every `Gateway`, `sleep` of every `GatewayNode`",
  why: "A user service without linger stops with the last login and does not come back at boot: the gateway works as long as somebody is debugging it. A LaunchAgent is the same by design: after a boot nothing serves until its user has logged in at the screen, automatic login keeps that user's password on the disk and FileVault excludes it. A machine that goes to sleep takes every gateway along.",
  source:
    "systemd user services; launchd.plist(5); the field guide's note on long-lived processes. systemd-sleep.conf(5)",
  fix: "let the account phase enable linger (it does for every Linux gateway), and keep `WantedBy=default.target` and `Restart=always` in the unit; leave `alwaysOn` of the node at its default, or except a machine that something else keeps awake; take `startsAt: login` away from a gateway, or except it, with who logs in after a power cut as the reason",
  parameters: {},
  check: ({ type, props }) => {
    const found = new Findings(props);
    if (type === NODE) {
      found.expect("prevented", "sleep");
      return found.problems;
    }
    if (type !== GATEWAY) return [];
    const unit = unitOf(found);
    if (unit === undefined) return found.problems;
    if (isAgent(props)) {
      found.add("it is a LaunchAgent: after a boot nothing serves until its user has logged in at the screen");
    } else {
      const { manager, starts } = textAt(props, "platform") === "macos" ? LAUNCHD : SYSTEMD;
      found.expect(manager, "service", "manager");
      found.expect(starts, "service", "starts");
    }
    if (!unit.values("WantedBy").includes("default.target")) found.add("its unit is not wanted by default.target");
    if (!unit.values("Restart").includes("always")) found.add("its unit does not restart always");
    return found.problems;
  },
});
