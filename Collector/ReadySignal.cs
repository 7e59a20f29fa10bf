using ZfRepl.Collector.Mailboxes;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Collector;

/// <summary>
/// Lets callers wait until a block has become ready, so that nobody has to ask again and again. A version is raised with every block; one that
/// differs from what the caller saw last is news, also after a restart. Thread-safe.
/// </summary>
internal sealed class ReadySignal
{
    private const double DefaultTimeoutSeconds = 30;

    private readonly TimeProvider _time;
    private readonly IReadOnlyList<Mailbox> _mailboxes;
    private readonly Dictionary<string, long> _versions = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _version;

    /// <summary>Watches the mailboxes for their lives.</summary>
    public ReadySignal(IReadOnlyList<Mailbox> mailboxes, TimeProvider time)
    {
        _mailboxes = mailboxes;
        _time = time;
        // Two processes do not begin at the same number, so that a caller notices a restart.
        _version = time.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (var mailbox in mailboxes)
        {
            _versions[mailbox.Name] = _version;
            mailbox.BecameReady += () => Raise(mailbox.Name);
        }
    }

    /// <summary>Answers when there is news, or the time is up.</summary>
    public async Task<RpcResult> WaitAsync(RpcCall call, CancellationToken cancellationToken)
    {
        if (call.Int64OrNull("after") is { } seen)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var timeout = Task.Delay(TimeSpan.FromSeconds(call.DoubleOrNull("timeout") ?? DefaultTimeoutSeconds), _time, limit.Token);
            await Task.WhenAny(ChangedFrom(seen), timeout);
            await limit.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }

        return RpcResult.Write(json =>
        {
            lock (_gate)
            {
                json.WriteStartObject();
                json.WriteNumber("version", _version);
                json.WriteStartObject("mailboxes");
                foreach (var mailbox in _mailboxes)
                {
                    json.WriteNumber(mailbox.Name, _versions[mailbox.Name]);
                }

                json.WriteEndObject();
                json.WriteEndObject();
            }
        });
    }

    private Task ChangedFrom(long seen)
    {
        lock (_gate)
        {
            return _version == seen ? _changed.Task : Task.CompletedTask;
        }
    }

    private void Raise(string mailbox)
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            _versions[mailbox] = ++_version;
            (changed, _changed) = (_changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        changed.SetResult();
    }
}
