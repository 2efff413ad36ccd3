import { createServer, type IncomingMessage, type Server } from "node:http";
import { createHash, createHmac } from "node:crypto";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

interface Reply {
  readonly status: number;
  readonly body: object | string;
}

const failure = (type: string, status = 400): Reply => ({ status, body: { __type: type, Message: "not shown" } });

/**
 * A stand-in for AWS Secrets Manager and for the instance metadata service (version 2 of its protocol): the answers that
 * the documentation gives. It checks signatures by the documented steps; that those are AWS's own is shown with AWS's
 * published example in the unit tests, not here.
 */
export class AwsStandIn {
  /** `SecretString` by name; `Error` is the name of the error to answer with. */
  readonly store = new Map<string, string | Error>();
  readonly accessKeyId = "AKIDGATEHOUSENODE001";
  readonly secretAccessKey = `secret-${createHash("sha256").update(String(process.hrtime.bigint())).digest("hex")}`;
  /** What the metadata service hands out; undefined: the machine has no role. */
  sessionToken: string | undefined = "session-of-the-instance-role";
  readonly version = "01234567-89ab-cdef-0123-456789abcdef";
  readonly requests: string[] = [];
  #server: Server | undefined;
  #port = 0;

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<this> {
    const server = createServer((request, response) => {
      void this.#answer(request).then(({ status, body }) => {
        response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
      });
    });
    await new Promise<void>((resolve) => server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
    return this;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  async #answer(request: IncomingMessage): Promise<Reply> {
    this.requests.push(`${request.method ?? ""} ${request.url ?? ""}`);
    const body = await text(request);
    if (request.url?.startsWith("/latest/") === true) return this.#metadata(request);
    if (request.headers["x-amz-target"] !== "secretsmanager.GetSecretValue")
      return failure("UnknownOperationException");
    if (!this.#signedByUs(request, body)) return failure("InvalidSignatureException");
    const asked = JSON.parse(body) as { readonly SecretId: string; readonly VersionStage?: string };
    const found = this.store.get(
      asked.VersionStage === undefined ? asked.SecretId : `${asked.SecretId}@${asked.VersionStage}`,
    );
    if (found === undefined) return failure("com.amazonaws.secretsmanager#ResourceNotFoundException");
    if (found instanceof Error) return failure(found.message);
    return { status: 200, body: { Name: asked.SecretId, SecretString: found, VersionId: this.version } };
  }

  #metadata(request: IncomingMessage): Reply {
    if (request.method === "PUT") {
      return request.headers["x-aws-ec2-metadata-token-ttl-seconds"] === undefined
        ? { status: 400, body: "" }
        : { status: 200, body: "metadata-session" };
    }
    if (request.headers["x-aws-ec2-metadata-token"] !== "metadata-session") return { status: 401, body: "" };
    if (this.sessionToken === undefined) return { status: 404, body: "" };
    if (request.url === "/latest/meta-data/iam/security-credentials/") return { status: 200, body: "gateway-role" };
    const keys = { AccessKeyId: this.accessKeyId, SecretAccessKey: this.secretAccessKey, Token: this.sessionToken };
    return { status: 200, body: { Code: "Success", ...keys } };
  }

  #signedByUs(request: IncomingMessage, body: string): boolean {
    const match =
      /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
        request.headers.authorization ?? "",
      );
    const [, id = "", day = "", region = "", service = "", names = "", signature = ""] = match ?? [];
    if (id !== this.accessKeyId || service !== "secretsmanager") return false;
    for (const needed of ["host", "x-amz-date", "x-amz-target"]) if (!names.split(";").includes(needed)) return false;
    const given = request.headers["x-amz-security-token"];
    if (given !== undefined && (given !== this.sessionToken || !names.includes("x-amz-security-token"))) return false;
    const hash = (value: string): string => createHash("sha256").update(value).digest("hex");
    const lines = names.split(";").map((name) => `${name}:${String(request.headers[name])}`);
    const canonical = `POST\n/\n\n${lines.join("\n")}\n\n${names}\n${hash(body)}`;
    const toSign = `AWS4-HMAC-SHA256\n${String(request.headers["x-amz-date"])}\n${day}/${region}/${service}/aws4_request\n${hash(canonical)}`;
    let key: string | Buffer = `AWS4${this.secretAccessKey}`;
    for (const part of [day, region, service, "aws4_request"]) key = createHmac("sha256", key).update(part).digest();
    return createHmac("sha256", key).update(toSign).digest("hex") === signature;
  }
}
