using Microsoft.Extensions.Logging;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Tasks;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Logging;

namespace ZfRepl.Replicator.Serve;

/// <summary>
/// The serving side: answers the nodes that fetch from this one. A message that cannot be opened gets no answer: whoever sent it learns
/// nothing, the operator here finds it in the log, once for each cause. Thread-safe.
/// </summary>
public sealed class BlockServer
{
    private readonly IMessageBus _bus;
    private readonly TimeProvider _time;
    private readonly BlockServerOptions _options;
    private readonly ServerAudit _audit;
    private readonly Dictionary<string, MailboxServer> _mailboxes;
    private volatile bool _enabled = true;

    /// <summary>A server that <see cref="RunAsync"/> brings to life.</summary>
    public BlockServer(
        IMessageBus bus, IBlockSource source, IStorage storage, TimeProvider time, BlockServerOptions options, ILogger logger, CauseLog causes)
    {
        _bus = bus;
        _time = time;
        _options = options;
        _audit = new ServerAudit(causes);
        _mailboxes = options.Mailboxes.ToDictionary(
            m => m.Target, m => new MailboxServer(bus, source, storage, time, options, m, _audit, logger), StringComparer.Ordinal);
    }

    /// <summary>Whether requests are answered. While it is off, targets get "not ready".</summary>
    public bool Enabled
    {
        get => _enabled;
        set
        {
            _enabled = value;
            foreach (var mailbox in _mailboxes.Values)
            {
                mailbox.Enabled = value;
                if (value)
                {
                    // What became ready meanwhile is not waited for until the next request.
                    mailbox.Announce();
                }
            }
        }
    }

    /// <summary>Who fills mailboxes; while there is nobody, targets that ask for it are refused.</summary>
    public IFillSource? Fills
    {
        set
        {
            foreach (var mailbox in _mailboxes.Values)
            {
                mailbox.Fills = value;
            }
        }
    }

    /// <summary>Who states accounts; while there is nobody, targets that ask for it are told so.</summary>
    public IProofSource? Proofs
    {
        set
        {
            foreach (var mailbox in _mailboxes.Values)
            {
                mailbox.Proofs = value;
            }
        }
    }

    /// <summary>What was done since the start.</summary>
    public ServerCounters Counters => _audit.Snapshot(_mailboxes.Values.Sum(m => m.SessionCount));

    /// <summary>Answers until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var subscription = _bus.Subscribe(_options.Topics.RequestsTo(_options.Node), ReceiveAsync);
        _bus.ConnectionChanged += SayStarted;
        try
        {
            // The connection may have come up before anybody listened for that; saying it twice does no harm.
            SayStarted(_bus.IsConnected);
            await Supervisor.RunAsync(
                cancellationToken,
                [.. _mailboxes.Values.Select(m => (Func<CancellationToken, Task>)m.RunAsync), token => Task.Delay(Timeout.InfiniteTimeSpan, _time, token)]);
        }
        finally
        {
            _bus.ConnectionChanged -= SayStarted;
        }
    }

    /// <summary>Tells the targets of a mailbox that a block is ready; without a session nobody is told.</summary>
    public void Announce(string mailbox)
    {
        if (_mailboxes.TryGetValue(mailbox, out var server))
        {
            server.Announce();
        }
    }

    private void SayStarted(bool isConnected)
    {
        if (isConnected)
        {
            foreach (var mailbox in _mailboxes.Values)
            {
                mailbox.SayStarted();
            }
        }
    }

    private ValueTask ReceiveAsync(string topic, ReadOnlyMemory<byte> message)
    {
        _audit.Received(message.Length);
        if (TransferTopics.SenderOf(topic) is not { } target || !MessageHeader.TryRead(message.Span, out var header))
        {
            _audit.Refuse("malformed", $"a message on {topic} is no message of this protocol", "let only zfrepl nodes write below this prefix");
        }
        else if (!_mailboxes.TryGetValue(target, out var mailbox))
        {
            _audit.Refuse("unknown mailbox", $"node {target} asks for a mailbox that is not served", $"add it to server.mailboxes: {target}");
        }
        else
        {
            mailbox.Receive(header, message);
        }

        return ValueTask.CompletedTask;
    }
}
