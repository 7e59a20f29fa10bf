// An OPC UA client of a third party (node-opcua) for tests of our server: it does what lines on stdin tell it and prints one line for each.
//
//   node opcua-client.mjs --url opc.tcp://localhost:4840/plant --pki DIR [options]
//
//   --pki DIR           folder for the client's certificate, made on the first start
//   --policy NAME       default None
//   --mode NAME         None, Sign or SignAndEncrypt; default None
//   --user NAME --password TEXT   the user; nobody in particular without it
//   --token-lifetime MS lifetime of the channel's token that is asked for; default 600000
//   --log FILE          one JSON line for each change that arrives
//
// It prints "connected URI" with its application URI, or "refused REASON" and ends. Then, for lines on stdin:
//   browse NODE                   "browsed N id id id …": the variables below the node, over all continuation points
//   read NODE NODE …              "read JSON": one entry for each node as in the log
//   attribute ID NODE NODE …      "attribute JSON": type and value of another attribute
//   write NODE TYPE JSON          "written STATUS"
//   subscribe JSON                "subscribed {…}": {"publishing":50,"sampling":0,"queue":10,"discardOldest":true,"deadband":0,"trigger":2,"count":500,
//                                 "format":"ns=1;s=V"}: nodes are format0 to format(count-1), or "nodes":[…]
//   wait N                        "have N": when at least so many changes have arrived since the start
//   publishing BOOL               "publishing STATUS": for the subscription made last
//   renewals                      "renewals N": tokens renewed since the start
//   events                        "events {…}": how often the connection was lost and found again
//   unsubscribe                   "unsubscribed"
//   exit                          "bye": closes the session and ends
//
// A line of the log: {"n":1,"node":"ns=1;s=V1","type":"Double","value":1.5,"status":0,"ticks":"133…","ps":0}; ticks are 100 ns steps since 1601-01-01 as
// text, ps the rest in units of 10 picoseconds; 64-bit integers and numbers that JSON lacks are text. It ends when stdin is closed.

import { createWriteStream } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

const require = createRequire(import.meta.url);
const {
  OPCUAClient, ClientSubscription, ClientMonitoredItemGroup, AttributeIds, TimestampsToReturn, MessageSecurityMode, SecurityPolicy, UserTokenType,
  DataChangeFilter, DataChangeTrigger, DeadbandType, DataType, Variant, VariantArrayType, BrowseDirection, NodeClass,
} = require("node-opcua-client");
const { OPCUACertificateManager } = require("node-opcua-certificate-manager");

const text = (value) => ({ type: "string", default: value });
const { values: args } = parseArgs({
  options: {
    url: text(""), pki: text(""), policy: text("None"), mode: text("None"), user: text(""), password: text(""), "token-lifetime": text("600000"),
    log: text(""),
  },
});
const UNIX_EPOCH_TICKS = 116444736000000000n;

const certificates = new OPCUACertificateManager({
  rootFolder: args.pki, automaticallyAcceptUnknownCertificate: true, keySize: 2048, disableFileWatchers: true,
});
await certificates.initialize();
const client = OPCUAClient.create({
  applicationName: "TestClient",
  clientName: "test",
  securityPolicy: SecurityPolicy[args.policy],
  securityMode: MessageSecurityMode[args.mode],
  clientCertificateManager: certificates,
  endpointMustExist: true,
  keepSessionAlive: false,
  requestedSessionTimeout: 60000,
  defaultSecureTokenLifetime: Number(args["token-lifetime"]),
  connectionStrategy: { initialDelay: 50, maxDelay: 200, maxRetry: 50 },
});
const seen = { lost: 0, found: 0 };
let renewals = 0;
client.on("connection_lost", () => { seen.lost++; });
client.on("connection_reestablished", () => { seen.found++; });
client.on("security_token_renewed", () => { renewals++; });

const log = args.log ? createWriteStream(args.log, { flags: "a" }) : null;
let session = null;
let subscription = null;
let group = null;
let arrived = 0;
let waitingFor = null;

try {
  await client.connect(args.url);
  session = await client.createSession(args.user
    ? { type: UserTokenType.UserName, userName: args.user, password: args.password }
    : { type: UserTokenType.Anonymous });
} catch (e) {
  console.log("refused " + e.message.replaceAll("\n", " "));
  process.exit(0);
}

console.log("connected " + client.applicationUri?.toString());
const input = createInterface({ input: process.stdin });
let chain = Promise.resolve();
input.on("line", (line) => {
  chain = chain.then(() => run(line)).catch((e) => console.log("error " + e.stack.replaceAll("\n", " ")));
});
input.on("close", () => process.exit(0));

async function run(line) {
  const at = line.indexOf(" ");
  const command = at < 0 ? line : line.slice(0, at);
  const rest = at < 0 ? "" : line.slice(at + 1);
  switch (command) {
    case "browse": return browse(rest);
    case "read": return read(rest.split(" "));
    case "attribute": return attribute(rest.split(" "));
    case "write": return write(rest);
    case "subscribe": return subscribe(JSON.parse(rest));
    case "wait": return wait(Number(rest));
    case "publishing": return console.log("publishing " + (await subscription.setPublishingMode(rest === "true")).name);
    case "renewals": return console.log("renewals " + renewals);
    case "events": return console.log("events " + JSON.stringify(seen));
    case "unsubscribe": await subscription.terminate(); return console.log("unsubscribed");
    case "exit":
      if (log) { await new Promise((done) => log.end(done)); }
      await session.close(true);
      await client.disconnect();
      console.log("bye");
      process.exit(0);
      break;
    default: console.log("unknown " + command);
  }
}

async function browse(node) {
  const ids = [];
  let result = await session.browse({
    nodeId: node, browseDirection: BrowseDirection.Forward, referenceTypeId: "HierarchicalReferences", includeSubtypes: true,
    nodeClassMask: NodeClass.Variable, resultMask: 63,
  });
  for (;;) {
    ids.push(...result.references.map((r) => r.nodeId.toString()));
    if (!result.continuationPoint || result.continuationPoint.length === 0) {
      break;
    }
    result = await session.browseNext(result.continuationPoint, false);
  }
  console.log(`browsed ${ids.length} ${ids.join(" ")}`);
}

async function read(nodes) {
  const values = await session.read(nodes.map((nodeId) => ({ nodeId, attributeId: AttributeIds.Value })));
  console.log("read " + JSON.stringify(values.map((value, i) => entry(nodes[i], value))));
}

async function attribute([id, ...nodes]) {
  const values = await session.read(nodes.map((nodeId) => ({ nodeId, attributeId: Number(id) })));
  console.log("attribute " + JSON.stringify(values.map((v) => ({
    status: v.statusCode.name, type: DataType[v.value?.dataType ?? 0], value: String(v.value?.value),
  }))));
}

async function write(rest) {
  const [nodeId, type] = rest.split(" ", 2);
  const value = JSON.parse(rest.slice(nodeId.length + type.length + 2));
  const status = await session.write({
    nodeId, attributeId: AttributeIds.Value,
    value: { value: new Variant({ dataType: DataType[type], arrayType: Array.isArray(value) ? VariantArrayType.Array : VariantArrayType.Scalar, value }) },
  });
  console.log("written " + status.name);
}

async function subscribe(wanted) {
  subscription = ClientSubscription.create(session, {
    requestedPublishingInterval: wanted.publishing ?? 50, requestedLifetimeCount: 6000, requestedMaxKeepAliveCount: 20,
    maxNotificationsPerPublish: 0, publishingEnabled: true, priority: 1,
  });
  await new Promise((done, failed) => { subscription.once("started", done); subscription.once("error", failed); });
  const nodes = wanted.nodes ?? Array.from({ length: wanted.count }, (_, i) => wanted.format + i);
  group = ClientMonitoredItemGroup.create(
    subscription,
    nodes.map((nodeId) => ({ nodeId, attributeId: AttributeIds.Value })),
    {
      samplingInterval: wanted.sampling ?? 0, queueSize: wanted.queue ?? 10, discardOldest: wanted.discardOldest ?? true,
      filter: new DataChangeFilter({
        trigger: wanted.trigger ?? DataChangeTrigger.StatusValueTimestamp,
        deadbandType: wanted.deadband ? DeadbandType.Absolute : DeadbandType.None,
        deadbandValue: wanted.deadband ?? 0,
      }),
    },
    TimestampsToReturn.Both);
  group.on("changed", (item, value) => {
    arrived++;
    log?.write(JSON.stringify({ n: arrived, ...entry(item.itemToMonitor.nodeId.toString(), value) }) + "\n");
    checkWait();
  });
  await new Promise((done, failed) => { group.once("initialized", done); group.once("err", failed); });
  const revised = group.monitoredItems.map((i) => i.result);
  console.log("subscribed " + JSON.stringify({
    id: subscription.subscriptionId, good: revised.filter((r) => r?.statusCode.isGood()).length,
    firstStatus: revised[0]?.statusCode.name, queue: revised[0]?.revisedQueueSize, sampling: revised[0]?.revisedSamplingInterval,
  }));
}

function wait(count) {
  return new Promise((done) => {
    waitingFor = { count, done };
    checkWait();
  });
}

function checkWait() {
  if (waitingFor && arrived >= waitingFor.count) {
    const { done } = waitingFor;
    waitingFor = null;
    const tell = () => { console.log("have " + arrived); done(); };
    if (log) { log.write("", tell); } else { tell(); }
  }
}

function entry(node, value) {
  const type = value.value?.dataType ?? DataType.Null;
  const ms = value.sourceTimestamp ? BigInt(value.sourceTimestamp.getTime()) : null;
  const ps = value.sourcePicoseconds ?? 0;
  return {
    node, type: DataType[type], value: plain(type, value.value?.value), status: value.statusCode.value,
    ticks: ms === null ? null : (ms * 10000n + UNIX_EPOCH_TICKS + BigInt(Math.floor(ps / 100000))).toString(), ps: Math.floor((ps % 100000) / 10),
  };
}

function plain(type, value) {
  if (value === null || value === undefined) {
    return null;
  }
  const isList = ArrayBuffer.isView(value) && type !== DataType.ByteString;
  if (isList || (Array.isArray(value) && !(is64(type) && value.length === 2 && typeof value[0] === "number"))) {
    return Array.from(value, (v) => plain(type, v));
  }
  switch (type) {
    case DataType.Int64: return BigInt.asIntN(64, word(value)).toString();
    case DataType.UInt64: return word(value).toString();
    case DataType.Double: case DataType.Float: return Number.isFinite(value) && !Object.is(value, -0) ? value : String(Object.is(value, -0) ? "-0" : value);
    case DataType.DateTime: return value.getTime();
    case DataType.ByteString: return value.toString("base64");
    case DataType.StatusCode: return value.value;
    case DataType.NodeId: case DataType.ExpandedNodeId: case DataType.QualifiedName: return value.toString();
    case DataType.LocalizedText: return { locale: value.locale, text: value.text };
    default: return value;
  }
}

function is64(type) {
  return type === DataType.Int64 || type === DataType.UInt64;
}

/** node-opcua keeps 64-bit integers as a pair of high and low word. */
function word(pair) {
  return (BigInt(pair[0] >>> 0) << 32n) | BigInt(pair[1] >>> 0);
}
