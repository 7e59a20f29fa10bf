using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Configuration;
using ZfRepl.Hosting.Progress;
using ZfRepl.Hosting.Rpc;
using Oid = ZfRepl.Core.Telemetry.Oid;

namespace ZfRepl.Collector.Fill;

/// <summary>The methods of filling: mailbox.fill as in the manual, and ours to look at tasks and to end them.</summary>
internal sealed class FillApi(CollectorOptions options, FillService fills, TimeProvider time)
{
    private const int MaxIdChars = 64;
    private const long LatestNs = 9_223_372_035L * UnixTime.NsPerSecond;
    private const string ServicePrefix = "eva.db.";

    // Nobody has readings of so long a time; a wish for it is a mistake.
    private static readonly TimeSpan LongestRange = TimeSpan.FromDays(365 * 200);
    private static readonly TimeSpan DefaultRange = TimeSpan.FromDays(1);

    /// <summary>Adds the methods.</summary>
    public void Register(RpcMethods methods)
    {
        methods.Add(
            "mailbox.fill",
            "fills a mailbox with what the local history has of a range of time; gives the task, which goes on by itself, also after a restart",
            [
                new RpcParameter("i", RpcType.String, "mailbox name", IsRequired: true),
                new RpcParameter("db_svc", RpcType.String, "name of the local history: that of default_history_db_svc, which is the default"),
                new RpcParameter("t_start", RpcType.Time, "first time wanted, default a day before t_end"),
                new RpcParameter("t_end", RpcType.Time, "last time wanted, default now"),
                new RpcParameter("oid", RpcType.Strings, $"these items alone, at most {ItemList.MaxItems}; default all of the mailbox"),
                new RpcParameter("xopts", RpcType.Map, "extra options for the database; the local history has none"),
                new RpcParameter("id", RpcType.String, "id of the task, 1 to 64 letters and digits; who asks again with it gets the state of the task"),
                new RpcParameter("origin", RpcType.String, "name of the node that asks, for fill.list"),
            ],
            (call, _) => Task.FromResult(Fill(call)));
        methods.Add(
            "fill.list",
            "lists the fill tasks: open ones, and the latest that have ended",
            [new RpcParameter("i", RpcType.String, "mailbox name, default all")],
            (call, _) => Task.FromResult(List(call.StringOrNull("i"))));
        methods.Add(
            "fill.cancel",
            "ends a fill task; what was filled stays",
            [new RpcParameter("i", RpcType.String, "id of the task, as fill.list gives it", IsRequired: true)],
            (call, _) => Task.FromResult(Cancel(call.String("i"))));
    }

    /// <summary>Writes the tasks as a list.</summary>
    public void WriteTasks(Utf8JsonWriter json)
    {
        json.WriteStartArray("fills");
        foreach (var task in fills.Tasks)
        {
            Write(json, task);
        }

        json.WriteEndArray();
    }

    private RpcResult Fill(RpcCall call)
    {
        var mailbox = call.String("i");
        if (options.Mailboxes.All(m => m.Name != mailbox))
        {
            return RpcResult.Error(RpcErrorCode.NotFound, $"i: there is no mailbox {OutsideText.Show(mailbox)}; mailbox.list names them");
        }

        if (!fills.HasHistory)
        {
            return RpcResult.Error(
                RpcErrorCode.Unsupported,
                "this collector keeps no local history to fill from; add `history:` to its configuration, from then on it keeps what it collects");
        }

        if (call.StringOrNull("db_svc") is { } name && name != options.HistoryName && name != ServicePrefix + options.HistoryName)
        {
            return RpcResult.Error(
                RpcErrorCode.NotFound,
                $"db_svc: there is no history database {OutsideText.Show(name)} here: the local history is called {options.HistoryName}; leave db_svc out, or name it so by default_history_db_svc");
        }

        if (call.MapOrNull("xopts") is { Count: > 0 })
        {
            return RpcResult.Error(RpcErrorCode.InvalidData, "xopts: the local history takes no extra options; leave xopts out");
        }

        var id = call.StringOrNull("id") ?? RandomNumberGenerator.GetHexString(16, lowercase: true);
        if (id.Length is 0 or > MaxIdChars || !id.All(char.IsAsciiLetterOrDigit))
        {
            return RpcResult.Error(RpcErrorCode.InvalidData, $"id: the id of a task has 1 to {MaxIdChars} letters and digits");
        }

        var origin = call.StringOrNull("origin") ?? "";
        if (origin.Length > 0 && TransferTopics.CheckNodeName(origin) is { } bad)
        {
            return RpcResult.Error(RpcErrorCode.InvalidData, $"origin: '{OutsideText.Show(origin)}' is no name of a node: {bad}");
        }

        var items = call.StringsOrNull("oid") ?? [];
        if (items.Count > ItemList.MaxItems)
        {
            return RpcResult.Error(RpcErrorCode.InvalidData, $"oid: {items.Count} items are too many: give at most {ItemList.MaxItems}, or none for all");
        }

        foreach (var item in items)
        {
            if (!Oid.TryParse(item, out _, out var wrong))
            {
                return RpcResult.Error(RpcErrorCode.InvalidData, $"oid: {wrong}");
            }
        }

        var textBytes = items.Sum(i => Encoding.UTF8.GetByteCount(i));
        if (items.Count > 1 && textBytes > ItemList.MaxTextBytes)
        {
            return RpcResult.Error(
                RpcErrorCode.InvalidData,
                $"oid: the names of the items have {textBytes} bytes, at most {ItemList.MaxTextBytes} fit into one task: ask in several calls, or for all by leaving oid out");
        }

        var now = time.GetUtcNow();
        var end = call.TimeOrNull("t_end") ?? now;
        var start = call.TimeOrNull("t_start") ?? Earlier(end);
        if (end < start)
        {
            return RpcResult.Error(
                RpcErrorCode.InvalidData, $"t_end: {ToIso(end)} is before t_start, {ToIso(start)}: swap them");
        }

        if (end - start > LongestRange)
        {
            return RpcResult.Error(
                RpcErrorCode.InvalidData,
                $"t_start: from {ToIso(start)} to {ToIso(end)} are more than {LongestRange.TotalDays / 365:0} years; are these milliseconds, or is a year mistyped?");
        }

        var added = fills.Add(new FillTask
        {
            Id = id,
            Mailbox = mailbox,
            Origin = origin,
            Items = [.. items.Select(i => Oid.Parse(i).Text)],
            StartNs = ToNs(start),
            EndNs = ToNs(end),
            NextNs = ToNs(start),
            RequestedNs = ToNs(now),
        });
        if (!added.IsOk)
        {
            return RpcResult.Error(RpcErrorCode.Io, $"the task can't be noted, so it was not taken: {added.Error}");
        }

        return added.Value is { } task
            ? RpcResult.Write(json => Write(json, task))
            : RpcResult.Error(RpcErrorCode.Busy, $"mailbox {mailbox} has {FillBook.MaxOpen} open fill tasks; wait, or end some by fill.cancel");
    }

    private RpcResult List(string? mailbox)
    {
        if (mailbox is not null && options.Mailboxes.All(m => m.Name != mailbox))
        {
            return RpcResult.Error(RpcErrorCode.NotFound, $"i: there is no mailbox {OutsideText.Show(mailbox)}; mailbox.list names them");
        }

        return RpcResult.List(fills.Tasks.Where(t => mailbox is null || t.Mailbox == mailbox), Write);
    }

    private RpcResult Cancel(string id)
    {
        var cancelled = fills.Cancel(id);
        if (!cancelled.IsOk)
        {
            return RpcResult.Error(RpcErrorCode.Io, cancelled.Error.ToString());
        }

        return cancelled.Value is { } task
            ? RpcResult.Write(json => Write(json, task))
            : RpcResult.Error(RpcErrorCode.NotFound, $"i: there is no fill task {OutsideText.Show(id)}; fill.list names them");
    }

    private void Write(Utf8JsonWriter json, FillTask task)
    {
        json.WriteStartObject();
        json.WriteString("id", task.Id);
        json.WriteString("mailbox", task.Mailbox);
        json.WriteString("origin", task.Origin);
        if (task.Items.Count > 0)
        {
            json.WriteStartArray("oid");
            foreach (var item in task.Items)
            {
                json.WriteStringValue(item);
            }

            json.WriteEndArray();
        }

        json.WriteString("t_start", UnixTime.FormatIso(task.StartNs));
        json.WriteString("t_end", UnixTime.FormatIso(task.EndNs));
        json.WriteString("requested", UnixTime.FormatIso(task.RequestedNs));
        json.WriteString("state", JsonNamingPolicy.SnakeCaseLower.ConvertName(task.State.ToString()));
        json.WriteString("current", UnixTime.FormatIso(task.NextNs));
        json.WriteNumber("current_ns", task.NextNs);
        json.WriteNumber("events", task.Events);
        json.WriteNumber("bytes", task.Bytes);
        json.WriteNumber("percent", (long)(100 * FillPaces.ShareOf(task)));
        switch (task.State)
        {
            case FillState.Open:
                json.WriteString("doing", fills.Doing(task.Mailbox));
                if (fills.RateOf(task) is { } rate)
                {
                    WorkRateJson.Write(json, rate);
                }

                break;
            case FillState.Done:
                json.WriteString("ended", UnixTime.FormatIso(task.EndedNs));
                json.WriteString("stream", task.Stream);
                json.WriteNumber("next_sequence", task.NextSequence);
                break;
            default:
                json.WriteString("ended", UnixTime.FormatIso(task.EndedNs));
                break;
        }

        json.WriteEndObject();
    }

    private static DateTimeOffset Earlier(DateTimeOffset end) =>
        end - DateTimeOffset.UnixEpoch > DefaultRange ? end - DefaultRange : DateTimeOffset.UnixEpoch;

    /// <summary>The years behind 2262 have no nanoseconds here, and no readings.</summary>
    private static long ToNs(DateTimeOffset instant) =>
        instant.ToUnixTimeSeconds() >= LatestNs / UnixTime.NsPerSecond ? LatestNs : UnixTime.FromDateTimeOffset(instant);

    private static string ToIso(DateTimeOffset instant) => UnixTime.FormatIso(ToNs(instant));
}
