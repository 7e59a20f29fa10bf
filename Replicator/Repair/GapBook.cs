using System.Text.Json;
using System.Text.Json.Serialization;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Storage;

namespace ZfRepl.Replicator.Repair;

/// <summary>
/// The gaps that were found, kept in a file, so that one in flight is not asked for again and none is forgotten by a restart. A change is in
/// the file before anybody acts on it. Thread-safe.
/// </summary>
internal sealed class GapBook
{
    public const string FileName = "gaps";

    private const int MaxEnded = 256;
    private const int MaxBytes = 16 * 1024 * 1024;

    /// <summary>What is longer could not be read back: the line and its checksum are in the file.</summary>
    private const int MaxLineBytes = MaxBytes - 64;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    private readonly Lock _gate = new();
    private readonly IStorage _storage;
    private readonly string _path;
    private List<Gap> _gaps;

    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private GapBook(IStorage storage, string path, List<Gap> gaps, string? finding)
    {
        (_storage, _path, _gaps, Finding) = (storage, path, gaps, finding);
    }

    /// <summary>What was wrong with the file at the start, or null.</summary>
    public string? Finding { get; }

    /// <summary>All gaps, in the order in which they were found.</summary>
    public IReadOnlyList<Gap> All
    {
        get
        {
            lock (_gate)
            {
                return [.. _gaps];
            }
        }
    }

    /// <summary>Reads the gaps of an earlier process. A damaged file is kept aside: the next search finds again what is still a gap.</summary>
    public static StorageResult<GapBook> Open(IStorage storage, IKeepAside aside, string folder)
    {
        var created = storage.CreateFolder(folder);
        if (!created.IsOk)
        {
            return created.Error;
        }

        var path = Path.Combine(folder, FileName);
        var line = CheckedFile.Read(storage, path, MaxBytes, out var damage);
        if (!line.IsOk)
        {
            return line.Error;
        }

        var gaps = new List<Gap>();
        try
        {
            gaps = line.Value is { } json ? JsonSerializer.Deserialize<List<Gap>>(json, Json) ?? [] : [];
        }
        catch (JsonException e)
        {
            damage = e.Message;
        }

        if (gaps.Exists(g => g is null))
        {
            damage = "an entry is empty";
        }

        if (damage is null)
        {
            return new GapBook(storage, path, gaps, null);
        }

        var moved = aside.Move(path, $"the list of gaps is damaged: {damage}");
        return moved.IsOk || moved.Error.IsNoSpace
            ? new GapBook(storage, path, [], $"the list of gaps was damaged ({damage}); what is still a gap is found again")
            : moved.Error;
    }

    /// <summary>Ends at the next change.</summary>
    public Task Changed
    {
        get
        {
            lock (_gate)
            {
                return _changed.Task;
            }
        }
    }

    /// <summary>
    /// What nobody could fill or knew, and ended before an instant: it is in the loss ledger or no loss, and no search reaches it any more, so that all but the latest need
    /// not be remembered here.
    /// </summary>
    public static IEnumerable<string> Outdated(IEnumerable<Gap> gaps, long beforeNs) =>
        gaps.Where(g => g is { State: GapState.Unfillable or GapState.NotKnown, Kind: GapKind.Heartbeat } && g.ToNs < beforeNs)
            .OrderByDescending(g => g.ToNs)
            .Skip(MaxEnded)
            .Select(g => g.Id);

    /// <summary>The gaps of a node.</summary>
    public IReadOnlyList<Gap> Of(string node)
    {
        lock (_gate)
        {
            return [.. _gaps.Where(g => g.Node == node)];
        }
    }

    /// <summary>Enters gaps, and takes others out, durably and together.</summary>
    public StorageResult Change(IReadOnlyCollection<Gap> added, IReadOnlySet<string> removed)
    {
        lock (_gate)
        {
            return added.Count + removed.Count == 0 ? StorageResult.Ok : Save([.. _gaps.Where(g => !removed.Contains(g.Id)), .. added]);
        }
    }

    /// <summary>Writes what has become of a gap, and what comes of it, durably; without effect when it was taken out meanwhile.</summary>
    public StorageResult Update(Gap gap, params IReadOnlyCollection<Gap> added)
    {
        lock (_gate)
        {
            var at = _gaps.FindIndex(g => g.Id == gap.Id);
            if (at < 0 || (_gaps[at] == gap && added.Count == 0))
            {
                return StorageResult.Ok;
            }

            var next = _gaps.ToList();
            next[at] = gap;
            next.AddRange(added);
            return Save(next);
        }
    }

    private StorageResult Save(List<Gap> gaps)
    {
        // What is over and can't come back is kept for people only. Holes and what nobody can fill are remembered, or they would be found again.
        var old = gaps.Where(g => g is { State: GapState.Closed, Kind: GapKind.Heartbeat or GapKind.Proof })
            .GroupBy(g => g.Node, StringComparer.Ordinal)
            .SelectMany(g => g.OrderByDescending(x => x.EndedNs).Skip(MaxEnded))
            .Select(g => g.Id)
            .ToHashSet(StringComparer.Ordinal);
        var kept = Join([.. gaps.Where(g => !old.Contains(g.Id))]);
        var line = JsonSerializer.SerializeToUtf8Bytes(kept, Json);
        if (line.Length > MaxLineBytes)
        {
            return new StorageError(
                StorageOperation.Write, _path, 0, $"{kept.Count} gaps are more than the list can hold ({line.Length} bytes of {MaxLineBytes})");
        }

        var written = CheckedFile.Write(_storage, _path, line);
        if (written.IsOk)
        {
            _gaps = kept;
            _changed.TrySetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        return written;
    }

    /// <summary>
    /// While a plant stands still, or a link is down, each search leaves a further piece: neighbours of which nobody was asked, or which nobody
    /// can fill, become one.
    /// </summary>
    private static List<Gap> Join(List<Gap> gaps)
    {
        var joined = new List<Gap>();
        foreach (var gap in gaps)
        {
            var at = gap is { State: GapState.Unfillable or GapState.NotKnown or GapState.Found, Kind: GapKind.Heartbeat } ? joined.FindIndex(g => AreNeighbours(g, gap)) : -1;
            if (at < 0)
            {
                joined.Add(gap);
                continue;
            }

            var other = joined[at];
            joined[at] = gap with
            {
                FromNs = Math.Min(other.FromNs, gap.FromNs),
                ToNs = Math.Max(other.ToNs, gap.ToNs),
                IsOpen = other.ToNs > gap.ToNs ? other.IsOpen : gap.IsOpen,
                IsFirst = other.FromNs < gap.FromNs ? other.IsFirst : gap.IsFirst,
                FoundNs = Math.Min(other.FoundNs, gap.FoundNs),
            };
        }

        return joined;
    }

    private static bool AreNeighbours(Gap a, Gap b) =>
        a.Node == b.Node
        && a.Kind == b.Kind
        && a.State == b.State
        && a.AllowedNs == b.AllowedNs
        && a.Heartbeats.SequenceEqual(b.Heartbeats, StringComparer.Ordinal)
        && a.FromNs <= b.ToNs + 1
        && b.FromNs <= a.ToNs + 1;
}
