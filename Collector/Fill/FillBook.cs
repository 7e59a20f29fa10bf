using System.Text.Json;
using System.Text.Json.Serialization;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Storage;

namespace ZfRepl.Collector.Fill;

/// <summary>
/// The fill tasks of a collector, kept in the file <c>fill.tasks</c> of the spool, so that a task survives its process. A task is in the file
/// before anybody is told that it was taken. Thread-safe.
/// </summary>
internal sealed class FillBook
{
    public const string FileName = "fill.tasks";

    /// <summary>The most open tasks of one mailbox.</summary>
    public const int MaxOpen = 256;

    private const int MaxEnded = 64;
    private const int MaxBytes = 16 * 1024 * 1024;

    // What its numbers, its stream and its end add to an open task in the file, and the file's own line with the checksum.
    private const int GrowthBytes = 192;
    private const int CheckBytes = 16;
    private static readonly TimeSpan SaveInterval = TimeSpan.FromSeconds(1);

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    private readonly Lock _gate = new();
    private readonly IStorage _storage;
    private readonly TimeProvider _time;
    private readonly string _path;
    private List<FillTask> _tasks;
    private long? _savedAt;

    private FillBook(IStorage storage, TimeProvider time, string path, List<FillTask> tasks, string? finding)
    {
        (_storage, _time, _path, _tasks, Finding) = (storage, time, path, tasks, finding);
    }

    /// <summary>What was wrong with the file at the start, or null. The damaged file is kept aside.</summary>
    public string? Finding { get; }

    /// <summary>Reads the tasks of an earlier process.</summary>
    public static StorageResult<FillBook> Open(IStorage storage, IKeepAside aside, TimeProvider time, string folder)
    {
        var path = Path.Combine(folder, FileName);
        var line = CheckedFile.Read(storage, path, MaxBytes, out var damage);
        if (!line.IsOk)
        {
            return line.Error;
        }

        var tasks = new List<FillTask>();
        try
        {
            tasks = line.Value is { } json ? JsonSerializer.Deserialize<List<FillTask>>(json, Json) ?? [] : [];
        }
        catch (JsonException e)
        {
            damage = e.Message;
        }

        if (damage is null)
        {
            return new FillBook(storage, time, path, tasks, null);
        }

        // It names no readings, only wishes: on a full disk the service starts all the same, and the next list takes its place.
        var moved = aside.Move(path, $"the list of fill tasks is damaged: {damage}");
        return moved.IsOk || moved.Error.IsNoSpace
            ? new FillBook(storage, time, path, [], $"the list of fill tasks was damaged ({damage}); ask again for what was to be filled")
            : moved.Error;
    }

    /// <summary>All tasks, oldest first.</summary>
    public IReadOnlyList<FillTask> All
    {
        get
        {
            lock (_gate)
            {
                return [.. _tasks];
            }
        }
    }

    /// <summary>The open tasks of a mailbox.</summary>
    public IReadOnlyList<FillTask> OpenOf(string mailbox)
    {
        lock (_gate)
        {
            return [.. _tasks.Where(t => t.Mailbox == mailbox && t.State == FillState.Open)];
        }
    }

    /// <summary>Takes a task, durably.</summary>
    /// <returns>The task; the one that is there if one of that mailbox has the id; null when there are too many open ones.</returns>
    public StorageResult<FillTask?> Add(FillTask task)
    {
        lock (_gate)
        {
            if (_tasks.Find(t => t.Mailbox == task.Mailbox && t.Id == task.Id) is { } known)
            {
                return known;
            }

            if (_tasks.Count(t => t.Mailbox == task.Mailbox && t.State == FillState.Open) >= MaxOpen)
            {
                return (FillTask?)null;
            }

            // With room left for how far all of them come.
            List<FillTask> next = [.. _tasks, task];
            var saved = Save(next, GrowthBytes * next.Count(t => t.State == FillState.Open));
            return saved.IsOk ? task : saved.Error;
        }
    }

    /// <summary>Ends an open task, durably; one that has ended stays as it is.</summary>
    /// <returns>The task, an open one first where several mailboxes have one with the id; null when there is none.</returns>
    public StorageResult<FillTask?> Cancel(string id, long nowNs)
    {
        lock (_gate)
        {
            var at = _tasks.FindIndex(t => t.Id == id && t.State == FillState.Open);
            if (at < 0)
            {
                return _tasks.Find(t => t.Id == id);
            }

            var next = _tasks.ToList();
            var cancelled = next[at] = next[at] with { State = FillState.Cancelled, EndedNs = nowNs };
            var saved = Save(next);
            return saved.IsOk ? cancelled : saved.Error;
        }
    }

    /// <summary>
    /// A stretch of time is durable in the mailbox. Notes it in every task that it brings further; writes the file when a task is done by it,
    /// and now and then: a process that ends before fills some of it again, which does no harm.
    /// </summary>
    /// <param name="ids">The tasks that the stretch was read for: not those that came in while it was.</param>
    /// <param name="mailbox">The mailbox.</param>
    /// <param name="fromNs">The first time of the stretch.</param>
    /// <param name="toNs">The last time of it.</param>
    /// <param name="filled">The events in it.</param>
    /// <param name="end">Where the mailbox's stream stands behind them.</param>
    public StorageResult Advance(IReadOnlySet<string> ids, string mailbox, long fromNs, long toNs, FilledEvents filled, StreamEnd end)
    {
        lock (_gate)
        {
            var isDone = false;
            for (var i = 0; i < _tasks.Count; i++)
            {
                var task = _tasks[i];
                if (task.State != FillState.Open || task.Mailbox != mailbox || !ids.Contains(task.Id) || task.NextNs < fromNs || task.NextNs > toNs)
                {
                    continue;
                }

                var ends = toNs >= task.EndNs;
                isDone |= ends;
                _tasks[i] = task with
                {
                    NextNs = ends ? task.EndNs : toNs + 1,
                    Events = task.Events + filled.Events,
                    Bytes = task.Bytes + filled.Bytes,
                    State = ends ? FillState.Done : FillState.Open,
                    EndedNs = ends ? end.NowNs : 0,
                    Stream = ends ? end.Stream : "",
                    NextSequence = ends ? end.NextSequence : 0,
                };
            }

            return isDone || _savedAt is not { } at || _time.GetElapsedTime(at) >= SaveInterval ? Save(_tasks) : StorageResult.Ok;
        }
    }

    /// <summary>Writes the file as things stand.</summary>
    public StorageResult Save()
    {
        lock (_gate)
        {
            return _tasks.Count == 0 ? StorageResult.Ok : Save(_tasks);
        }
    }

    private StorageResult Save(List<FillTask> tasks, int reserveBytes = 0)
    {
        // The latest of those that have ended stay, so that whoever asked can learn how it went.
        var old = tasks.Where(t => t.State != FillState.Open)
            .GroupBy(t => t.Mailbox, StringComparer.Ordinal)
            .SelectMany(g => g.OrderByDescending(t => t.EndedNs).Skip(MaxEnded))
            .ToHashSet();
        var kept = old.Count == 0 ? tasks : [.. tasks.Where(t => !old.Contains(t))];
        var json = JsonSerializer.SerializeToUtf8Bytes(kept, Json);
        if (json.Length + CheckBytes + reserveBytes > MaxBytes)
        {
            // The next start could not read it back, and would go on without any task.
            return new StorageError(
                StorageOperation.Write, _path, 0,
                $"the list of fill tasks would have {json.Length} bytes, with room for how far they come; more than {MaxBytes - reserveBytes} can't be read back; wait until tasks are done, or end some by fill.cancel");
        }

        var written = CheckedFile.Write(_storage, _path, json);
        if (written.IsOk)
        {
            _tasks = kept;
            _savedAt = _time.GetTimestamp();
        }

        return written;
    }
}

/// <summary>What was filled.</summary>
/// <param name="Events">How many events.</param>
/// <param name="Bytes">What they take in memory.</param>
internal readonly record struct FilledEvents(ulong Events, ulong Bytes);

/// <summary>Where a mailbox's stream stands.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="NextSequence">The next sequence number to become durable.</param>
/// <param name="NowNs">When, nanoseconds since 1970.</param>
internal readonly record struct StreamEnd(string Stream, ulong NextSequence, long NowNs);
