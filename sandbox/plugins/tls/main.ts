// Gatehouse's air-gapped stand-in for pulumi-resource-tls, for machines that can't download the official plugin.
import { main } from "@pulumi/pulumi/provider/index.js";
import { endWithEngine } from "../shared/end-with-engine.ts";
import { tlsProvider } from "./provider.ts";

endWithEngine();
await main(tlsProvider(), process.argv.slice(2));
