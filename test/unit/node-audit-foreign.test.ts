import { describe, expect, it } from "vitest";
import { knownTexts, withoutForeignTexts, withoutForeignValues } from "../../node/audit/foreign.ts";

const KEY = "sk-ant-api03-CANARY0123456789abcdefghij";
const DECLARED = {
  gateway: { bind: "loopback", auth: { mode: "token", token: { source: "env", id: "OPENCLAW_GATEWAY_TOKEN" } } },
  logging: { file: "/home/oc-team-a/.openclaw/logs/gateway.log" },
};
const seen = (value: unknown): unknown => withoutForeignTexts(value, knownTexts(DECLARED));

describe("what leaves a node of a configuration", () => {
  it("is all that was declared, and other plain words, numbers and flags", () => {
    expect(seen(DECLARED)).toEqual(DECLARED);
    const edited = { gateway: { bind: "lan", trustedProxies: ["10.0.0.0/8", "::/0", "*"], port: 1, tailscale: { mode: "funnel" } }, on: true, none: null }; // prettier-ignore
    expect(seen(edited)).toEqual(edited);
  });
  it.each([
    ["a key", { models: { providers: { anthropic: { baseUrl: KEY } } } }],
    ["a key in a list", { gateway: { trustedProxies: [KEY] } }],
    ["a short word where a secret belongs", { gateway: { auth: { token: "hunter2" } } }],
    ["one in a list below such a name", { apiKeys: ["hunter2"] }],
  ])("is never %s", (_what, config) => {
    const text = JSON.stringify(seen(config));
    expect(text).not.toMatch(/CANARY|hunter2/);
    expect(text).toContain("not declared");
  });
});

describe("what leaves a node of a unit", () => {
  const unit = '[Service]\nEnvironment="PATH=/opt/node/bin:/usr/bin"\nExecStart=/opt/node/bin/node x\n';

  it("is every line, and the values of declared variables only", () => {
    const dropIn = `${unit}[Service]\nEnvironment=ANTHROPIC_API_KEY=${KEY}\n Environment="OTHER=${KEY}"\nEnvironment="PATH=/elsewhere"\nNoNewPrivileges=no`;
    expect(withoutForeignValues(dropIn, unit).split("\n")).toEqual([
      ...unit.split("\n").slice(0, -1),
      "[Service]",
      "Environment=ANTHROPIC_API_KEY=(a text that was not declared)",
      ' Environment="OTHER=(a text that was not declared)',
      'Environment="PATH=/elsewhere"',
      "NoNewPrivileges=no",
    ]);
  });
  it("of a property list is what was declared, and its structure", () => {
    const plist = `<?xml version="1.0"?>\n<plist version="1.0">\n<dict>\n<key>Umask</key>\n<integer>63</integer>\n</dict>\n</plist>\n`;
    expect(withoutForeignValues(plist, plist)).toBe(plist);
    const edited = plist.replace("63", "18").replace("</dict>", `<key>${KEY}</key>\n<string>${KEY}</string>\n</dict>`);
    const seen = withoutForeignValues(edited, plist);
    expect(seen).not.toContain(KEY);
    expect(seen).toContain("<integer>18</integer>");
    expect(seen.match(/not declared/g)).toHaveLength(2);
  });
});
