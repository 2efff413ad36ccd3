import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { loginKey } from "../../operations/visit/login-key.ts";
import { findTarget } from "../../operations/diagnose/target.ts";
import { parseOutputs } from "../../operations/outputs.ts";
import { validFleet } from "../fleet-input.ts";

const KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\ncanary\n-----END OPENSSH PRIVATE KEY-----";

it("the login key is read from settings, environment and file, and ends with a newline", async () => {
  const directory = mkdtempSync(join(tmpdir(), "gatehouse-key-"));
  const file = join(directory, "key");
  writeFileSync(file, KEY);
  process.env["GATEHOUSE_TEST_LOGIN_KEY"] = KEY;
  try {
    for (const reference of ["pulumi://login", "env://GATEHOUSE_TEST_LOGIN_KEY", `file://${file}`]) {
      expect(await loginKey(reference, { "gatehouse:login": KEY })).toBe(`${KEY}\n`);
    }
  } finally {
    delete process.env["GATEHOUSE_TEST_LOGIN_KEY"];
    rmSync(directory, { recursive: true });
  }
});

it.each(["pulumi://gone", "env://GATEHOUSE_TEST_GONE", "file:///nowhere/key", "no reference"])(
  "a login key that is not there is an input error: %s",
  async (reference) => {
    await expect(loginKey(reference, {})).rejects.toMatchObject({ code: "secret" });
  },
);

it("a gateway that the stack does not have is an input error, and so is a stack without a fleet", async () => {
  const asked = { gateway: "nobody", agent: null, sinceSeconds: 60 };
  const outputs = parseOutputs({});
  await expect(findTarget({}, outputs, asked)).rejects.toMatchObject({ code: "input" });
  const settings = { "gatehouse:fleet": JSON.stringify(validFleet()) };
  await expect(findTarget(settings, outputs, asked)).rejects.toMatchObject({ code: "input" });
});
