import { unitOf } from "../gateway-unit.ts";
import { Findings, textAt, textsAt } from "../read.ts";
import { AGENT, GATEWAY } from "../resource.ts";
import { defineRule } from "../rule.ts";
import { isAmbient } from "../unit.ts";

/** Words of a variable that carries a value nobody else may see. */
const SECRET_VARIABLE = /(?:^|_)(?:KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)$/;

/** The file that OpenClaw reads keys from. */
function keyFileOf(gateway: unknown): string | undefined {
  const path = textAt(gateway, "openclaw", "secrets", "providers", "gatehouse-keys", "path");
  const isFile = textAt(gateway, "openclaw", "secrets", "providers", "gatehouse-keys", "source") === "file";
  return isFile ? path : undefined;
}

export const gh205 = defineRule({
  id: "GH205",
  title: "Provider keys reach the unit, and not in clear",
  severity: "mandatory",
  reads:
    "`unitText` or `launchdJob` of every `Gateway`, `openclaw.secrets.providers.default.allowlist`, `gatehouse-keys`, and `credentials[].variable` and `.delivery` of every `Agent`",
  why: "A user service does not see an interactive shell's exports: an agent without its variable in the unit fails with 'No API key for provider'. A value in `Environment=` is readable for every user of the machine through the service manager.",
  source:
    "note 1 of the field guide; systemd 252 and 257, measured: `systemctl show` prints `Environment=` to anybody; launchctl(1): anyone may print a job of the system domain",
  fix: "deliver keys through the unit's 0600 `EnvironmentFile`, or let the node read them itself (`resolve: node`)",
  parameters: {},
  check: ({ type, props }, { fleet }) => {
    const found = new Findings(props);
    if (type === GATEWAY) {
      const unit = unitOf(found);
      if (unit === undefined) return found.problems;
      if (unit.values("EnvironmentFile").length === 0) found.add("its unit has no EnvironmentFile");
      for (const name of unit.variables)
        if (isAmbient(name) || SECRET_VARIABLE.test(name)) found.add(`its unit has ${name} in clear`);
      found.needItems("openclaw", "secrets", "providers", "default", "allowlist");
    }
    if (type === AGENT) {
      const gateway = found.needText("gateway");
      const count = found.needItems("credentials");
      for (let index = 0; index < count; index += 1) {
        const variable = found.needText("credentials", index, "variable");
        if (variable === undefined || gateway === undefined) continue;
        const owner = fleet.gateway(gateway);
        if (owner === undefined) {
          found.add(`the gateway ${gateway} that it names is not declared`);
          continue;
        }
        const carried = textsAt(owner.props, "openclaw", "secrets", "providers", "default", "allowlist");
        if (textAt(props, "credentials", index, "delivery") === "file") {
          if (keyFileOf(owner.props) === undefined)
            found.add(`${gateway} has no private file that carries ${variable}`);
          continue;
        }
        if (!carried.includes(variable)) found.add(`the unit of ${gateway} does not carry ${variable}`);
        const starts = unitOf(new Findings(owner.props))?.values("ExecStart") ?? [];
        if (
          textAt(props, "credentials", index, "resolve") === "node" &&
          !starts.some((one) => /^\S+ .*launch\.mjs /.test(one))
        )
          found.add(`the unit of ${gateway} does not start the launcher that reads ${variable}`);
      }
    }
    return found.problems;
  },
});
