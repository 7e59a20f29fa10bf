using System.Text.Json;
using ZfRepl.Core.History;
using ZfRepl.Core.Import;
using ZfRepl.Core.Storage;
using ZfRepl.Hosting.Configuration;
using ZfRepl.Hosting.Import;
using ZfRepl.Hosting.Progress;
using ZfRepl.Hosting.Rpc;
using ZfRepl.Replicator.Bus;
using ZfRepl.Replicator.Fetch;
using ZfRepl.Replicator.Proof;
using ZfRepl.Replicator.Repair;
using ZfRepl.Replicator.Serve;

namespace ZfRepl.Replicator;

/// <summary>The replicator's methods: those of the manual, and ours.</summary>
internal sealed class ReplicatorApi(ReplicatorOptions options, MqttBus bus, BlockServer? server, FetchingSide fetching, TimeProvider time)
{
    private const int MaxMissingListed = 100;

    private volatile bool _isEnabled = true;

    /// <summary>False from `disable` to `enable`.</summary>
    public bool IsEnabled => _isEnabled;

    /// <summary>Adds the methods.</summary>
    public void Register(RpcMethods methods)
    {
        methods.Add("status", "gives the state of replication", [], StatusAsync);
        methods.Add(
            "client.start",
            "starts fetching from a node now",
            [new RpcParameter("i", RpcType.String, "node name", IsRequired: true)],
            (call, _) => Task.FromResult(Start(call.String("i"))));
        methods.Add("disable", "stops fetching and serving until enable or a restart", [], (_, _) => Task.FromResult(SetEnabled(false)));
        methods.Add("enable", "lets fetching and serving go on", [], (_, _) => Task.FromResult(SetEnabled(true)));
        if (fetching.Gaps is { } gaps)
        {
            new RepairApi(gaps, fetching).Register(methods);
        }

        if (fetching.Proofs.Count > 0)
        {
            new ProofApi(fetching.Proofs, fetching.ProofKey, fetching.ProofJobs, time).Register(methods);
        }

        if (fetching.Importer is { } importer)
        {
            ProcessDirMethod.Add(methods, new FolderImport(DiskStorage.Instance, importer, fetching.Quarantine), time);
            QuarantineMethods.Add(methods, fetching.Quarantine!, fetching.RetryAsync);
            LossListMethod.Add(methods, fetching.History!);
            BlockVerifyMethod.Add(methods, DiskStorage.Instance);
        }
    }

    private RpcResult Start(string name)
    {
        if (fetching.Clients.FirstOrDefault(c => c.State.Source == name) is not { } client)
        {
            return RpcResult.Error(RpcErrorCode.NotFound, $"i: nothing is fetched from a node {OutsideText.Show(name)}; client.mailboxes names them");
        }

        return client.Start() ? RpcResult.Empty : RpcResult.Error(RpcErrorCode.NotReady, "replication is disabled; call enable first");
    }

    private RpcResult SetEnabled(bool enabled)
    {
        _isEnabled = enabled;
        if (server is not null)
        {
            server.Enabled = enabled;
        }

        foreach (var client in fetching.Clients)
        {
            if (enabled)
            {
                client.Enable();
            }
            else
            {
                client.Disable();
            }
        }

        foreach (var repair in fetching.Repairs)
        {
            repair.Enabled = enabled;
        }

        return RpcResult.Empty;
    }

    private async Task<RpcResult> StatusAsync(RpcCall call, CancellationToken cancellationToken)
    {
        IReadOnlyList<StreamAccount> streams = [];
        string? historyTrouble = null;
        if (fetching.History is { } history)
        {
            var read = await history.ReadStreamsAsync(only: null, MaxMissingListed, cancellationToken);
            streams = read.IsOk ? read.Value : [];
            historyTrouble = read.Error?.ToString();
        }

        return RpcResult.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("active_clients");
            foreach (var client in fetching.Clients.Select(c => c.State).Where(s => s.IsActive))
            {
                json.WriteStringValue(client.Source);
            }

            json.WriteEndArray();
            json.WriteBoolean("enabled", _isEnabled);
            json.WriteString("role", "replicator");
            json.WriteString("node", options.Node);
            json.WriteStartObject("broker");
            json.WriteBoolean("connected", bus.IsConnected);
            json.WriteString("state", bus.State);
            json.WriteEndObject();
            WriteClients(json);
            if (fetching.Gaps is { } gaps)
            {
                RepairApi.WriteSummary(json, gaps, fetching.Repairs);
            }

            if (fetching.Leftovers is { } leftovers)
            {
                WriteInbox(json, leftovers.State);
            }

            if (fetching.Quarantine is not null)
            {
                WriteQuarantine(json);
            }

            if (server is not null)
            {
                WriteServer(json, server.Counters);
            }

            if (fetching.History is not null)
            {
                StreamAccountJson.Write(json, streams);
                json.WriteString("history", historyTrouble ?? "in order");
            }

            json.WriteEndObject();
        });
    }

    private void WriteClients(Utf8JsonWriter json)
    {
        json.WriteStartArray("clients");
        foreach (var state in fetching.Clients.Select(c => c.State))
        {
            json.WriteStartObject();
            json.WriteString("source", state.Source);
            json.WriteBoolean("active", state.IsActive);
            json.WriteNumber("blocks", state.Blocks);
            json.WriteNumber("events", state.Events);
            json.WriteNumber("duplicates", state.Duplicates);
            json.WriteNumber("refused_events", state.RefusedEvents);
            json.WriteNumber("backlog_blocks", state.BacklogBlocks);
            json.WriteNumber("backlog_events", state.BacklogEvents);
            json.WriteNumber("sent_bytes", state.SentBytes);
            json.WriteNumber("received_bytes", state.ReceivedBytes);
            json.WriteNumber("refused", state.Refused);
            if (state.LastContact is { } contact)
            {
                json.WriteString("last_contact", contact);
            }

            json.WriteString("trouble", state.Trouble);
            json.WriteNumber("sessions", state.Sessions);
            if (state.Session is { } session)
            {
                WriteSession(json, state, session);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteSession(Utf8JsonWriter json, FetchState state, FetchSession session)
    {
        var all = session.Events + (double)state.BacklogEvents;
        json.WriteStartObject("session");
        json.WriteBoolean("in_touch", session.IsInTouch);
        json.WriteNumber("blocks", session.Blocks);
        json.WriteNumber("events", session.Events);
        json.WriteNumber("received_bytes", session.ReceivedBytes);
        json.WriteNumber("left_blocks", state.BacklogBlocks);
        json.WriteNumber("left_events", state.BacklogEvents);
        if (session.IsInTouch)
        {
            json.WriteNumber("percent", all > 0 ? (long)(100 * session.Events / all) : 100);
        }

        WorkRateJson.Write(json, session.Rate);
        json.WriteNumber("ends_in_seconds", Math.Round(session.EndsIn.TotalSeconds, 1));
        json.WriteEndObject();
    }

    private void WriteQuarantine(Utf8JsonWriter json)
    {
        var size = fetching.Quarantine!.Measure();
        json.WriteStartObject("quarantine");
        json.WriteNumber("files", size.IsOk ? size.Value.Files : 0);
        json.WriteNumber("bytes", size.IsOk ? size.Value.Bytes : 0);
        json.WriteString("trouble", size.Error?.ToString());
        json.WriteEndObject();
        if (fetching.Archive is { } archive)
        {
            json.WriteStartObject("archive");
            json.WriteNumber("kept_aside_events", archive.KeptAside);
            json.WriteNumber("dropped_events", archive.Dropped);
            json.WriteEndObject();
        }
    }

    private static void WriteInbox(Utf8JsonWriter json, LeftoverState state)
    {
        json.WriteStartObject("inbox_at_start");
        json.WriteBoolean("done", state.IsDone);
        json.WriteNumber("imported_blocks", state.Imported);
        json.WriteNumber("imported_events", state.Events);
        json.WriteNumber("removed_blocks", state.Removed);
        json.WriteNumber("kept_blocks", state.Kept);
        json.WriteString("trouble", state.Trouble);
        json.WriteEndObject();
    }

    private static void WriteServer(Utf8JsonWriter json, ServerCounters counters)
    {
        json.WriteStartObject("server");
        json.WriteNumber("sessions", counters.Sessions);
        json.WriteNumber("confirmed_blocks", counters.ConfirmedBlocks);
        json.WriteNumber("chunks", counters.Chunks);
        json.WriteNumber("sent_bytes", counters.SentBytes);
        json.WriteNumber("received_bytes", counters.ReceivedBytes);
        json.WriteStartObject("refused");
        foreach (var (reason, count) in counters.Refused.OrderBy(r => r.Key, StringComparer.Ordinal))
        {
            json.WriteNumber(reason.Replace(' ', '_'), count);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }
}
