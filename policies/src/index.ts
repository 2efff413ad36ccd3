import { PolicyPack } from "@pulumi/policy";
import { CATALOGUE } from "./catalogue.ts";
import { toPolicies } from "./policy.ts";

// starts the pack's server: nothing but the pack may import this file
new PolicyPack("gatehouse", { policies: toPolicies(CATALOGUE, () => new Date()) });
