using System.Text.Json;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Storage;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Hosting.Import;

/// <summary>The method <c>block.verify</c>: reads a block file byte by byte, and changes nothing.</summary>
public static class BlockVerifyMethod
{
    private const int MaxListed = 100;

    /// <summary>Adds it.</summary>
    /// <param name="methods">The service's methods.</param>
    /// <param name="storage">Where blocks are.</param>
    /// <param name="find">
    /// Finds the file of a call; a path where the role has no blocks of its own. An error where there is none.
    /// </param>
    /// <param name="parameters">The parameters that <paramref name="find"/> looks at.</param>
    public static void Add(
        RpcMethods methods,
        IStorage storage,
        IReadOnlyList<RpcParameter> parameters,
        Func<RpcCall, CancellationToken, Task<(string? Path, RpcResult? Error)>> find) => methods.Add(
        "block.verify",
        "reads a block byte by byte: checksums, hash, sequence numbers; changes nothing",
        parameters,
        async (call, cancellationToken) =>
        {
            var (path, error) = await find(call, cancellationToken);
            return error ?? await Task.Run(() => Verify(storage, path!), cancellationToken);
        });

    /// <summary>Adds it for a role that has no mailboxes: any absolute path.</summary>
    public static void Add(RpcMethods methods, IStorage storage) => Add(
        methods,
        storage,
        [new RpcParameter("path", RpcType.String, "the file, an absolute path", IsRequired: true)],
        (call, _) => Task.FromResult<(string?, RpcResult?)>((call.String("path"), CallPath.Refuse("path", call.String("path")))));

    private static RpcResult Verify(IStorage storage, string path)
    {
        if (Refuse(path) is { } refusal)
        {
            return RpcResult.Error(RpcErrorCode.InvalidData, $"path: {path} {refusal}");
        }

        var opened = storage.Open(path, write: false);
        if (!opened.IsOk)
        {
            return Failed(opened.Error);
        }

        using var file = opened.Value;
        var read = BlockReport.Create(file);
        if (!read.IsOk)
        {
            return Failed(read.Error);
        }

        var report = read.Value;
        if (report.Header is null && report.FrameCount == 0)
        {
            return RpcResult.Error(RpcErrorCode.InvalidData, $"path: {path} is no block: neither a block's header nor a frame is in it");
        }

        return RpcResult.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("path", path);
            json.WriteString("state", BlockStates.Of(path, report));
            json.WriteNumber("events", report.EventCount);
            json.WriteNumber("first_sequence", report.FirstSequence);
            json.WriteNumber("next_sequence", report.NextSequence);
            json.WriteBoolean("hash_verified", report.IsHashVerified);
            json.WriteStartArray("damages");
            foreach (var damage in report.Damages.Take(MaxListed))
            {
                Write(json, damage);
            }

            json.WriteEndArray();
            json.WritePropertyName("torn_tail");
            if (report.TornTail is { } tail)
            {
                Write(json, tail);
            }
            else
            {
                json.WriteNullValue();
            }

            json.WriteStartArray("missing");
            foreach (var range in report.Missing.Take(MaxListed))
            {
                json.WriteStartArray();
                json.WriteNumberValue(range.First);
                json.WriteNumberValue(range.Last);
                json.WriteEndArray();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    /// <summary>Opening a pipe might wait for ever; pipes and devices have no length, and a link has its own, whatever it leads to.</summary>
    private static string? Refuse(string path)
    {
        try
        {
            var file = new FileInfo(path);
            file = file.Exists ? (FileInfo?)file.ResolveLinkTarget(returnFinalTarget: true) ?? file : file;
            return file is { Exists: true, Length: 0 } ? "is empty, or a pipe or a device" : null;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            // Opening says so.
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"can't be read: {e.Message}";
        }
    }

    private static void Write(Utf8JsonWriter json, BlockDamage damage)
    {
        json.WriteStartObject();
        json.WriteNumber("offset", damage.Offset);
        json.WriteNumber("bytes", damage.LengthBytes);
        json.WriteString("reason", damage.Reason);
        json.WriteEndObject();
    }

    private static RpcResult Failed(StorageError error) =>
        RpcResult.Error(error.IsNotFound ? RpcErrorCode.NotFound : RpcErrorCode.Io, $"path: {error}");
}
