import { expect, it } from "vitest";
import { signedHeaders } from "../../node/launch/aws-signature.ts";

// "post-vanilla" of AWS's published Signature Version 4 test suite
const request = {
  url: new URL("https://example.amazonaws.com/"),
  region: "us-east-1",
  service: "service",
  headers: {},
  body: "",
  now: new Date("2015-08-30T12:36:00Z"),
};
const keys = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };

it("signs AWS's own example as AWS does", () => {
  expect(signedHeaders(keys, request)["authorization"]).toBe(
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
  );
});

it("signs everything it sends: body, target and session", () => {
  const signature = (changes: object, token?: string): string =>
    signedHeaders({ ...keys, ...(token === undefined ? {} : { sessionToken: token }) }, { ...request, ...changes })[
      "authorization"
    ] ?? "";
  const all = [
    signature({}),
    signature({ body: "{}" }),
    signature({ headers: { "x-amz-target": "a" } }),
    signature({ headers: { "x-amz-target": "b" } }),
    signature({}, "session"),
    signature({ region: "eu-central-1" }),
  ];
  expect(new Set(all).size).toBe(all.length);
});
