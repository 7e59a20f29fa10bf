using System.Text.Json;
using ZfRepl.Core.History;
using ZfRepl.Core.Telemetry;
using ZfRepl.Hosting.Configuration;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Replicator.Repair;

/// <summary>The methods of self-repair: client.self_repair as in the manual, and gap.list.</summary>
internal sealed class RepairApi(GapBook book, FetchingSide fetching)
{
    private static readonly double MaxSeconds = TimeSpan.FromDays(36_500).TotalSeconds;

    /// <summary>Adds the methods.</summary>
    public void Register(RpcMethods methods)
    {
        methods.Add(
            "client.self_repair",
            "searches the history for gaps in what came of a node, now, and has the node fill them",
            [
                new RpcParameter("i", RpcType.String, "node name", IsRequired: true),
                new RpcParameter("oid", RpcType.Strings, "heartbeat items, default those of the configuration"),
                new RpcParameter("range", RpcType.Double, "how far back, seconds, default that of the configuration") { Minimum = 1, Maximum = MaxSeconds },
                new RpcParameter("gap", RpcType.Double, "longest silence that is no gap, seconds, default that of the configuration")
                {
                    Minimum = 0.01,
                    Maximum = MaxSeconds,
                },
                new RpcParameter("force", RpcType.Bool, "true asks for everything again: what is being filled, and what could not be filled"),
            ],
            RepairAsync);
        methods.Add(
            "gap.list",
            "lists the gaps that were found, and what became of them",
            [new RpcParameter("i", RpcType.String, "node name, default all")],
            (call, _) => Task.FromResult(List(call.StringOrNull("i"))));
    }

    /// <summary>Writes how many gaps there are for each source, and what is in the way.</summary>
    public static void WriteSummary(Utf8JsonWriter json, GapBook book, IReadOnlyList<RepairClient> repairs)
    {
        json.WriteStartArray("repairs");
        foreach (var repair in repairs)
        {
            var gaps = book.Of(repair.Node);
            json.WriteStartObject();
            json.WriteString("source", repair.Node);
            json.WriteNumber("open", gaps.Count(g => g.IsInFlight));
            json.WriteNumber("closed", gaps.Count(g => g.State == GapState.Closed));
            json.WriteNumber("unfillable", gaps.Count(g => g.State == GapState.Unfillable));
            json.WriteNumber("not_known", gaps.Count(g => g.State == GapState.NotKnown));
            json.WriteString("not_known_before", gaps.Where(g => g.State == GapState.NotKnown).Select(g => (long?)g.ToNs).Max() is { } beforeNs ? UnixTime.FormatIso(beforeNs) : null);
            json.WriteString("trouble", repair.Trouble);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private async Task<RpcResult> RepairAsync(RpcCall call, CancellationToken cancellationToken)
    {
        var node = call.String("i");
        if (fetching.Repairs.FirstOrDefault(r => r.Node == node) is not { } repair)
        {
            return NoNode(node);
        }

        var heartbeats = repair.Options.Heartbeats;
        if (call.StringsOrNull("oid") is { } texts)
        {
            if (RepairBinder.ReadHeartbeats(texts, out var error) is not { Count: > 0 } given)
            {
                return RpcResult.Error(RpcErrorCode.InvalidData, $"oid: {error ?? "it names no item"}");
            }

            heartbeats = given;
        }

        if (heartbeats.Count == 0)
        {
            return RpcResult.Error(
                RpcErrorCode.InvalidData,
                $"oid: no heartbeat is known for {node}: give oid, or set client.mailboxes.{node}.self_repair.oid");
        }

        var how = repair.Options with
        {
            Heartbeats = heartbeats,
            Range = call.DoubleOrNull("range") is { } range ? TimeSpan.FromSeconds(range) : repair.Options.Range,
            Gap = call.DoubleOrNull("gap") is { } gap ? TimeSpan.FromSeconds(gap) : repair.Options.Gap,
        };
        var found = await repair.SearchAsync(how, call.BoolOrNull("force") ?? false, cancellationToken);
        if (!found.IsOk)
        {
            return RpcResult.Error(found.Error.Trouble == HistoryTrouble.Busy ? RpcErrorCode.Busy : RpcErrorCode.Io, found.Error.ToString());
        }

        // Somebody asked: the source is asked at once, and not only when the schedule says so.
        var open = book.Of(node).Count(g => g.IsInFlight);
        var isEnabled = open == 0 || fetching.Clients.First(c => c.State.Source == node).Start();
        return RpcResult.Write(json =>
        {
            json.WriteStartObject();
            json.WriteNumber("found", found.Value);
            json.WriteNumber("open", open);
            json.WriteBoolean("enabled", isEnabled);
            json.WriteEndObject();
        });
    }

    private RpcResult List(string? node)
    {
        if (node is not null && fetching.Repairs.All(r => r.Node != node))
        {
            return NoNode(node);
        }

        return RpcResult.List(book.All.Where(g => node is null || g.Node == node), Write);
    }

    private void Write(Utf8JsonWriter json, Gap gap)
    {
        json.WriteStartObject();
        json.WriteString("id", gap.Id);
        json.WriteString("node", gap.Node);
        json.WriteString("kind", Text(gap.Kind));
        json.WriteString("state", Text(gap.State));
        json.WriteString("from", UnixTime.FormatIso(gap.FromNs));
        json.WriteString("to", UnixTime.FormatIso(gap.ToNs));
        if (gap.Kind == GapKind.Heartbeat)
        {
            json.WriteBoolean("open_end", gap.IsOpen);
        }
        else if (gap.Kind == GapKind.Proof)
        {
            json.WriteStartArray("oid");
            foreach (var item in gap.Items)
            {
                json.WriteStringValue(item);
            }

            json.WriteEndArray();
        }
        else
        {
            json.WriteString("stream", gap.MissingStream);
            json.WriteNumber("first_sequence", gap.FirstSequence);
            json.WriteNumber("last_sequence", gap.LastSequence);
        }

        json.WriteString("found", UnixTime.FormatIso(gap.FoundNs));
        json.WriteNumber("events", gap.Events);
        if (gap.EndedNs > 0)
        {
            json.WriteString("ended", UnixTime.FormatIso(gap.EndedNs));
        }

        var doing = fetching.Repairs.FirstOrDefault(r => r.Node == gap.Node)?.Doing(gap.Id) ?? "nothing is fetched from this node any more";
        json.WriteString("detail", gap.IsInFlight ? doing : gap.Detail);
        json.WriteEndObject();
    }

    private static string Text<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    private static RpcResult NoNode(string node) =>
        RpcResult.Error(RpcErrorCode.NotFound, $"i: nothing is fetched from a node {OutsideText.Show(node)}; client.mailboxes names them");
}
