import { gh401 } from "../../policies/src/rules/gh401-loopback-and-token.ts";
import { ruleContract, CANARY } from "./stack.ts";

ruleContract(gh401, {
  faults: [
    {
      label: "every interface",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "gateway", "bind"], "lan");
      },
      says: [/team-a: openclaw\.gateway\.bind is lan, without a certificate/],
    },
    {
      label: "every interface with a certificate of the vendor's",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "gateway", "bind"], "lan");
        stack.set("Gateway", "team-a", ["openclaw", "gateway", "tls"], { enabled: true, autoGenerate: true });
      },
      says: [/team-a: openclaw\.gateway\.bind is lan, without a certificate/],
    },
    {
      label: "an address of its own",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "gateway", "customBindHost"], "10.0.0.1");
      },
      says: [/team-a: openclaw\.gateway\.customBindHost names an address/],
    },
    {
      label: "no authentication",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "gateway", "auth", "mode"], "none");
      },
      says: [/team-a: openclaw\.gateway\.auth\.mode is not "token"/],
    },
    {
      label: "a token in clear",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "gateway", "auth", "token"], CANARY);
      },
      says: [/team-a: openclaw\.gateway\.auth\.token is a value, not a reference/],
    },
  ],
  needs: [
    ["Gateway", "team-a", ["openclaw", "gateway", "bind"]],
    ["Gateway", "team-a", ["openclaw", "gateway", "auth", "mode"]],
    ["Gateway", "team-a", ["openclaw", "gateway", "auth", "token"]],
    ["Gateway", "team-a", ["openclaw", "gateway", "auth", "token", "source"]],
    ["Gateway", "team-a", ["openclaw"]],
  ],
});
