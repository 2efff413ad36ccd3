// Gatehouse's air-gapped stand-in for pulumi-resource-command, for machines that can't download the official plugin.
import { main } from "@pulumi/pulumi/provider/index.js";
import { endWithEngine } from "../shared/end-with-engine.ts";
import { engineLog } from "./engine-log.ts";
import { commandProvider } from "./provider.ts";

endWithEngine();
// the engine puts its address last, after its logging flags
const args = process.argv.slice(2);
await main(commandProvider(engineLog(args.at(-1))), args);
