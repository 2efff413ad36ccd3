import { gh402 } from "../../policies/src/rules/gh402-remote-access-encrypted.ts";
import { ruleContract } from "./stack.ts";

ruleContract(gh402, {
  faults: [
    {
      label: "a network without TLS",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "gateway", "bind"], "tailnet");
      },
      says: [/team-a: it can be reached from outside without TLS/],
    },
    {
      label: "a generated certificate",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "gateway", "bind"], "lan");
        stack.set("Gateway", "team-a", ["openclaw", "gateway", "tls"], { enabled: true, autoGenerate: true });
      },
      says: [/team-a: openclaw\.gateway\.tls\.autoGenerate is not false/],
    },
    {
      label: "TLS that says nothing about its certificate",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "gateway", "tls"], { enabled: true });
      },
      says: [/team-a: openclaw\.gateway\.tls\.autoGenerate is not declared/],
    },
    {
      label: "a client that connects in clear",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "gateway", "mode"], "remote");
        stack.set("Gateway", "team-a", ["openclaw", "gateway", "remote"], { url: "ws://gw.example.net:18789" });
      },
      says: [/team-a: openclaw\.gateway\.remote\.url is neither wss nor loopback/],
    },
    {
      label: "a remote address beside a local gateway",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "gateway", "remote"], { url: "ws://gw.example.net:18789" });
      },
      says: [/team-a: openclaw\.gateway\.remote\.url is neither wss nor loopback/],
    },
    {
      label: "a page in clear",
      plant: (stack) => {
        stack.set(
          "Gateway",
          "team-a",
          ["openclaw", "gateway", "controlUi", "allowedOrigins"],
          ["http://gw.example.net"],
        );
      },
      says: [/team-a: openclaw\.gateway\.controlUi\.allowedOrigins has a page that is served without TLS/],
    },
  ],
  needs: [
    ["Gateway", "team-a", ["openclaw", "gateway", "bind"]],
    ["Gateway", "team-a", ["openclaw", "gateway", "mode"]],
  ],
});
