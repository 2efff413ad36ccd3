import type { Platform } from "../spec/index.ts";
import type { GatewayOutputs } from "../operations/outputs.ts";

/** What the demo types on a machine, as root, by kind of node. */
interface Commands {
  /** Shell: sets `home` to the home directory of the user `$1`. */
  readonly home: string;
  /** Shell: what runs a program as the user `$1`, with no variable but those that follow it. */
  readonly asUser: string;
  /** Below the home: variables of the unit, read with `set -a`. */
  readonly environmentFile: string;
  /** Prints one word, `active` when the unit runs. */
  unitState(gateway: Pick<GatewayOutputs, "user" | "unit">): string;
  /** For people: how to look further. */
  look(gateway: Pick<GatewayOutputs, "user" | "unit">): readonly string[];
}

export const COMMANDS: Readonly<Record<Platform, Commands>> = {
  linux: {
    home: `home=$(getent passwd "$1" | cut -d: -f6)`,
    asUser: `runuser -u "$1" -- env -i XDG_RUNTIME_DIR="/run/user/$(id -u "$1")"`,
    environmentFile: ".openclaw/gateway.systemd.env",
    unitState: ({ user, unit }) =>
      `runuser -u ${user} -- env XDG_RUNTIME_DIR=/run/user/$(id -u ${user}) systemctl --user is-active ${unit}`,
    look: ({ user, unit }) => [
      `sudo systemctl --user -M ${user}@ status ${unit}`,
      `sudo journalctl _UID=$(id -u ${user}) -n 50`,
    ],
  },
  macos: {
    home: `home=$(dscl . -read "/Users/$1" NFSHomeDirectory | sed 's/^NFSHomeDirectory: //')`,
    asUser: `cd / && exec sudo -n -u "$1" /usr/bin/env -i`,
    environmentFile: ".openclaw/service-env/org.gatehouse.gateway.env",
    unitState: ({ unit }) =>
      `launchctl print system/${unit} | awk '/^\\tstate = / { print ($3 == "running" ? "active" : $3) }'`,
    look: ({ unit }) => [
      `launchctl print system/${unit}`,
      `sudo tail -n 50 /var/log/gatehouse/${unit.replace(/^org\.gatehouse\.gateway\./, "")}.log`,
    ],
  },
};
