import { unitOf } from "../gateway-unit.ts";
import { Findings } from "../read.ts";
import { GATEWAY } from "../resource.ts";
import { defineRule } from "../rule.ts";

export const gh601 = defineRule({
  id: "GH601",
  title: "A gateway that starts without a login",
  severity: "mandatory",
  reads: "`service` and the `Restart` and `[Install]` lines in `unitText` of every Linux `Gateway`",
  why: "A user service without linger stops with the last login and does not come back at boot: the gateway works as long as somebody is debugging it.",
  source:
    "systemd user services; the field guide's note on long-lived processes. Whether a machine may sleep is not known at preview: no field declares it yet",
  fix: "let the account phase enable linger (it does for every Linux gateway), and keep `WantedBy=default.target` and `Restart=always` in the unit",
  only: GATEWAY,
  parameters: {},
  check: ({ type, props }) => {
    if (type !== GATEWAY) return [];
    const found = new Findings(props);
    const unit = unitOf(found);
    if (unit === undefined) return found.problems;
    found.expect("systemd-user", "service", "manager");
    found.expect("at boot, by linger", "service", "starts");
    if (!unit.values("WantedBy").includes("default.target")) found.add("its unit is not wanted by default.target");
    if (!unit.values("Restart").includes("always")) found.add("its unit does not restart always");
    return found.problems;
  },
});
