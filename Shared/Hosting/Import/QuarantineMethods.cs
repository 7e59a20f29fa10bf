using System.Text.Json;
using ZfRepl.Core.Import;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Hosting.Import;

/// <summary>How trying a file of the quarantine again ended.</summary>
/// <param name="IsDone">True when nothing of it is left to do: the file goes.</param>
/// <param name="Outcome">One word for programs.</param>
/// <param name="Detail">A sentence for people.</param>
/// <param name="Trouble">What stood in the way so that nothing can be said, or null.</param>
public sealed record QuarantineRetry(bool IsDone, string Outcome, string Detail, string? Trouble = null);

/// <summary>The methods over a quarantine, the same for every role that has one.</summary>
public static class QuarantineMethods
{
    private const int DefaultLimit = 1000;
    private const int MaxLimit = 10_000;

    private static readonly RpcParameter FileName = new("name", RpcType.String, "the file's name, as quarantine.list gives it", IsRequired: true);

    /// <summary>Adds them.</summary>
    /// <param name="methods">The service's methods.</param>
    /// <param name="quarantine">The quarantine.</param>
    /// <param name="retry">Tries a file again; null where there is nothing to try: the collector's intact frames have gone on already.</param>
    public static void Add(
        RpcMethods methods, Quarantine quarantine, Func<QuarantineEntry, CancellationToken, ValueTask<QuarantineRetry>>? retry)
    {
        methods.Add(
            "quarantine.list",
            "lists files that are kept aside, ordered by name",
            [
                new RpcParameter("after", RpcType.String, "the last name of the page before"),
                new RpcParameter("limit", RpcType.Integer, $"how many at most, {DefaultLimit} if not given") { Minimum = 1, Maximum = MaxLimit },
            ],
            (call, _) => Task.FromResult(List(quarantine, call)));
        methods.Add(
            "quarantine.retry",
            "tries a file again, as after its cause was removed; when all of it went well the file goes",
            [FileName],
            (call, cancellationToken) => RetryAsync(quarantine, retry, call, cancellationToken));
        methods.Add(
            "quarantine.export",
            "copies a file to a path that does not exist yet",
            [FileName, new RpcParameter("path", RpcType.String, "where to, an absolute path", IsRequired: true)],
            (call, _) => Task.FromResult(Export(quarantine, call)));
        methods.Add(
            "quarantine.delete", "deletes a file for good", [FileName], (call, _) => Task.FromResult(Delete(quarantine, call)));
    }

    private static RpcResult List(Quarantine quarantine, RpcCall call)
    {
        var listed = quarantine.List(call.StringOrNull("after"), (int)(call.Int64OrNull("limit") ?? DefaultLimit));
        return listed.IsOk ? RpcResult.List(listed.Value, Write) : Failed(listed.Error);
    }

    private static void Write(Utf8JsonWriter json, QuarantineEntry entry)
    {
        json.WriteStartObject();
        json.WriteString("name", entry.Name);
        json.WriteString("path", entry.Path);
        json.WriteString("kind", JsonNamingPolicy.SnakeCaseLower.ConvertName(entry.Kind.ToString()));
        json.WriteNumber("size", entry.LengthBytes);
        json.WriteString("reason", entry.Reason);
        json.WriteString("origin", entry.Origin);
        json.WriteString("since", UnixTime.FormatIso(entry.SinceNs));
        json.WriteEndObject();
    }

    private static async Task<RpcResult> RetryAsync(
        Quarantine quarantine,
        Func<QuarantineEntry, CancellationToken, ValueTask<QuarantineRetry>>? retry,
        RpcCall call,
        CancellationToken cancellationToken)
    {
        var found = quarantine.Find(call.String("name"));
        if (!found.IsOk)
        {
            return Failed(found.Error);
        }

        if (found.Value is not { } entry)
        {
            return NoFile(call);
        }

        if (retry is null)
        {
            return RpcResult.Error(
                RpcErrorCode.Unsupported,
                "there is nothing to try again: what is intact in this file went on when it was put here; quarantine.export and block cat show the rest");
        }

        var done = await retry(entry, cancellationToken);
        if (done.Trouble is { } trouble)
        {
            return RpcResult.Error(RpcErrorCode.NotReady, $"{trouble}; the file stays, call again");
        }

        var deleted = done.IsDone ? quarantine.Delete(entry.Name) : StorageResult.Ok;
        return deleted.IsOk
            ? RpcResult.Write(json =>
            {
                json.WriteStartObject();
                json.WriteString("name", entry.Name);
                json.WriteString("outcome", done.Outcome);
                json.WriteString("detail", done.Detail);
                json.WriteBoolean("removed", done.IsDone);
                json.WriteEndObject();
            })
            : Failed(deleted.Error);
    }

    private static RpcResult Export(Quarantine quarantine, RpcCall call)
    {
        var path = call.String("path");
        if (CallPath.Refuse("path", path) is { } refusal)
        {
            return refusal;
        }

        var found = quarantine.Find(call.String("name"));
        if (!found.IsOk)
        {
            return Failed(found.Error);
        }

        if (found.Value is not { } entry)
        {
            return NoFile(call);
        }

        var copied = quarantine.Export(entry.Name, path);
        return copied.IsOk ? RpcResult.Empty
            : copied.Error.IsExists ? RpcResult.Error(RpcErrorCode.AlreadyExists, $"path: {path} is there already; nothing was overwritten")
            : RpcResult.Error(copied.Error.IsNotFound ? RpcErrorCode.NotFound : RpcErrorCode.Io, $"path: {copied.Error}");
    }

    private static RpcResult Delete(Quarantine quarantine, RpcCall call)
    {
        var found = quarantine.Find(call.String("name"));
        if (!found.IsOk)
        {
            return Failed(found.Error);
        }

        if (found.Value is not { } entry)
        {
            return NoFile(call);
        }

        var deleted = quarantine.Delete(entry.Name);
        return deleted.IsOk ? RpcResult.Empty : Failed(deleted.Error);
    }

    private static RpcResult NoFile(RpcCall call) =>
        RpcResult.Error(RpcErrorCode.NotFound, $"name: no file '{OutsideText(call.String("name"))}' is in the quarantine; quarantine.list names them");

    private static string OutsideText(string text) => Configuration.OutsideText.Show(text);

    private static RpcResult Failed(StorageError error) => RpcResult.Error(RpcErrorCode.Io, error.ToString());
}

/// <summary>Trying again what an import could not use: the same wherever blocks are imported.</summary>
public static class ImportRetry
{
    /// <summary>Imports a block, or those refused events that are allowed by now.</summary>
    public static async ValueTask<QuarantineRetry> RunAsync(BlockImporter importer, QuarantineEntry entry, CancellationToken cancellationToken)
    {
        if (entry.Kind == QuarantineKind.RefusedEvents)
        {
            var (done, trouble) = await importer.RetryRefusedAsync(entry.Path, cancellationToken);
            return trouble is null
                ? new QuarantineRetry(
                    done.Refused == 0,
                    done.Refused == 0 ? "applied" : done.Imported == 0 ? "refused" : "partial",
                    $"{done.Imported} events are imported, {done.Refused} are still refused")
                : new QuarantineRetry(false, "", "", $"{trouble.Reason} ({trouble.Remedy})");
        }

        var outcome = await importer.ImportAsync(entry.Path, BlockExpectation.Anything, cancellationToken);
        return outcome switch
        {
            ImportOutcome.Applied { RuledOut: { } ruledOut } applied => new QuarantineRetry(
                true, "applied", $"{applied.Receipt.Counts.Events} events are imported, {ruledOut.Events} are refused by a rule of the database and in the quarantine"),
            ImportOutcome.Applied applied => new QuarantineRetry(true, "applied", $"all {applied.Receipt.Counts.Events} events are imported"),
            ImportOutcome.AlreadyApplied => new QuarantineRetry(true, "already_applied", "all of it was imported before"),
            ImportOutcome.Partial some => new QuarantineRetry(
                false, "partial", $"{some.Receipt.Counts.Events} events are imported, {some.Damages.Count} places can't be read"),
            ImportOutcome.Refused refused => new QuarantineRetry(false, "refused", refused.Reason),
            ImportOutcome.TryLater later => new QuarantineRetry(false, "", "", $"{later.Reason} ({later.Remedy})"),
            _ => throw new InvalidOperationException($"{outcome.GetType().Name} is no outcome."),
        };
    }
}
