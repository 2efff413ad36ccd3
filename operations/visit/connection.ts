import type { Connection, Endpoint } from "../../sandbox/plugins/command/inputs.ts";
import type { ConnectionSpec } from "../../spec/index.ts";
import { loginKey } from "./login-key.ts";

const DIAL_SECONDS = 10;
type Settings = Readonly<Record<string, string>>;

/** SECRET: how a node of the fleet is reached, with the private key that its reference leads to. */
export async function connectionOf({ jump, ...direct }: ConnectionSpec, settings: Settings): Promise<Connection> {
  return {
    ...(await endpointOf(direct, settings)),
    ...(jump !== undefined && { proxy: await endpointOf(jump, settings) }),
  };
}

async function endpointOf(spec: Omit<ConnectionSpec, "jump">, settings: Settings): Promise<Endpoint> {
  const { host, port, user, hostKey, privateKey } = spec;
  return {
    ...{ host, port, user, hostKey, dialErrorLimit: 0, perDialTimeout: DIAL_SECONDS },
    ...(privateKey !== undefined && { privateKey: await loginKey(privateKey, settings) }),
  };
}
