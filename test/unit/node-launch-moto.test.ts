import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readAws } from "../../node/launch/aws.ts";
import { signedHeaders } from "../../node/launch/aws-signature.ts";
import { freePort } from "../../sandbox/node/port.ts";

/** `pip install 'moto[server,secretsmanager]==5.2.5'`, its `bin` on PATH. */
const installed = spawnSync("moto_server", ["--help"], { stdio: "ignore" }).status === 0;
if (!installed) process.stderr.write("skipped: AWS Secrets Manager as moto plays it (no moto_server on PATH)\n");

// Moto checks no signature: that is AWS's own example in node-launch-signature.test.ts.
describe.skipIf(!installed)("AWS Secrets Manager, as moto plays it", () => {
  const keys = { accessKeyId: "test", secretAccessKey: "test" };
  const region = "eu-central-1";
  let endpoint: string;
  let server: ChildProcess;

  async function call(action: string, input: object): Promise<{ readonly ARN: string; readonly VersionId: string }> {
    const body = JSON.stringify(input);
    const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": `secretsmanager.${action}` };
    const signed = signedHeaders(keys, { url: new URL(endpoint), region, service: "secretsmanager", headers, body, now: new Date() }); // prettier-ignore
    const response = await fetch(endpoint, { method: "POST", headers: signed, body });
    expect(response.status).toBe(200);
    return (await response.json()) as { readonly ARN: string; readonly VersionId: string };
  }
  const read = (secret: { readonly id: string; readonly jsonKey?: string; readonly stage?: string; readonly version?: string }) =>
    readAws({ region, endpoint, accessKeyId: keys.accessKeyId }, keys, { manager: "aws-sm", ...secret }, AbortSignal.timeout(20_000)); // prettier-ignore

  beforeAll(async () => {
    const port = await freePort("127.0.0.1");
    endpoint = `http://127.0.0.1:${port}/`;
    server = spawn("moto_server", ["-H", "127.0.0.1", "-p", String(port)], { stdio: "ignore" });
    const up = (): Promise<boolean> => fetch(endpoint).then(() => true, () => false); // prettier-ignore
    for (let attempt = 0; attempt < 300 && !(await up()); attempt += 1) await sleep(100);
  }, 60_000);
  afterAll(async () => {
    const ended = new Promise((resolve) => server.once("exit", resolve));
    server.kill();
    await ended;
  });

  it("gives a secret by name and by ARN, each version and stage, and a key of a JSON secret", async () => {
    const first = await call("CreateSecret", { Name: "gw/research", SecretString: '{"key":"first-value"}' });
    const second = await call("PutSecretValue", { SecretId: "gw/research", SecretString: '{"key":"second-value"}' });
    const newest = { value: "second-value", version: second.VersionId };
    expect(await read({ id: "gw/research", jsonKey: "key" })).toEqual(newest);
    expect(await read({ id: first.ARN, jsonKey: "key" })).toEqual(newest);
    expect(await read({ id: "gw/research" })).toEqual({ ...newest, value: '{"key":"second-value"}' });
    const former = { value: "first-value", version: first.VersionId };
    expect(await read({ id: "gw/research", jsonKey: "key", stage: "AWSPREVIOUS" })).toEqual(former);
    expect(await read({ id: "gw/research", jsonKey: "key", version: first.VersionId })).toEqual(former);
  });

  it("names what is missing", async () => {
    await expect(read({ id: "gw/nowhere" })).rejects.toMatchObject({ outlook: "needs a person", message: "not found" });
  });
});
