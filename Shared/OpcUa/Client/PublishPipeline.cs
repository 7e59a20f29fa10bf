using System.Collections.Concurrent;
using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Client;

/// <summary>What came of a Publish or a Republish.</summary>
/// <param name="Error">Why there is no answer; a refusal by the server is an error too.</param>
/// <param name="Summary">The answer without its changes.</param>
/// <param name="Batch">The changes, to be given back to the pool.</param>
/// <param name="Order">The how-manieth Publish on this connection it was.</param>
/// <param name="Acknowledged">The acknowledgements that went with it.</param>
internal sealed record PublishOutcome(
    UaError? Error, NotificationSummary? Summary, DataChangeBatch? Batch, long Order, SubscriptionAcknowledgement[] Acknowledged);

/// <summary>Decodes an answer to Publish or Republish straight into a batch of the pool and hands it on.</summary>
internal sealed class PendingNotification(
    BatchPool pool, long order, SubscriptionAcknowledgement[] acknowledged, Action<PublishOutcome> deliver) : PendingRequest
{
    public override void Receive(ReadOnlySpan<byte> body)
    {
        var batch = pool.Rent();
        var error = NotificationDecoder.TryDecode(body, DecodeLimits.Default, batch, out var summary);
        var failure = error.IsError ? new UaError(StatusCodes.BadDecodingError, error.ToString())
            : summary!.Header.ServiceResult.IsBad ? new UaError(summary.Header.ServiceResult, "the server refused")
            : summary.IsFault ? new UaError(StatusCodes.BadUnknownResponse, "the server sent a fault without an error")
            : null;
        if (failure is not null)
        {
            pool.Return(batch);
            deliver(new PublishOutcome(failure, null, null, order, acknowledged));
            return;
        }

        deliver(new PublishOutcome(null, summary, batch, order, acknowledged));
    }

    public override void Fail(UaError error) => deliver(new PublishOutcome(error, null, null, order, acknowledged));
}

/// <summary>
/// The Publish requests of one connection: how many are at the server, and the answers that wait to be looked at, of which there are never
/// more than requests were sent. Sending and taking are for one caller; the answers arrive on the receive loop.
/// </summary>
internal sealed class PublishPipeline(Session session, BatchPool pool, AsyncSignal signal, TimeProvider time)
{
    private const int RequestsMax = 8;
    private const int AcknowledgementsPerRequest = 500;

    private readonly ConcurrentQueue<PublishOutcome> _arrived = new();
    private readonly List<SubscriptionAcknowledgement> _acknowledge = [];
    private int _requestsMax = RequestsMax;
    private long _lastOrder;
    private long _lastHeard = time.GetTimestamp();

    /// <summary>Requests at the server, and answers that were not taken yet.</summary>
    public int Outstanding { get; private set; }

    /// <summary>The number of the last Publish that was sent.</summary>
    public long LastOrder => _lastOrder;

    /// <summary>True when answers wait to be taken.</summary>
    public bool HasArrived => !_arrived.IsEmpty;

    /// <summary>True when another request may be sent.</summary>
    public bool HasRoom => Outstanding < _requestsMax;

    /// <summary>How many requests the server takes.</summary>
    public int Limit => _requestsMax;

    /// <summary>How long the server has said nothing to the requests it has; zero when it has none.</summary>
    public TimeSpan Silence => Outstanding == 0 ? TimeSpan.Zero : time.GetElapsedTime(Volatile.Read(ref _lastHeard));

    /// <summary>Puts a number among those that the next request acknowledges.</summary>
    public void Acknowledge(uint subscriptionId, uint number) =>
        _acknowledge.Add(new SubscriptionAcknowledgement(subscriptionId, number));

    /// <summary>Acknowledgements of a request that the server may not have looked at go out once more.</summary>
    public void AcknowledgeAgain(SubscriptionAcknowledgement[] acknowledgements) => _acknowledge.AddRange(acknowledgements);

    /// <summary>True when the number is going to be acknowledged.</summary>
    public bool WillAcknowledge(uint subscriptionId, uint number) =>
        _acknowledge.Contains(new SubscriptionAcknowledgement(subscriptionId, number));

    /// <summary>True while acknowledgements that matter little may be added.</summary>
    public bool HasRoomToAcknowledge => _acknowledge.Count < AcknowledgementsPerRequest;

    /// <summary>True when there is something to acknowledge.</summary>
    public bool HasAcknowledgements => _acknowledge.Count > 0;

    /// <summary>The server has said that it has enough requests.</summary>
    public void Lower() => _requestsMax = Math.Max(1, Math.Min(_requestsMax - 1, Outstanding));

    /// <summary>Sends one Publish with what is to be acknowledged.</summary>
    public Task SendAsync(TimeSpan timeoutHint)
    {
        var count = Math.Min(AcknowledgementsPerRequest, _acknowledge.Count);
        SubscriptionAcknowledgement[] acknowledgements = [.. _acknowledge.Take(count)];
        _acknowledge.RemoveRange(0, count);
        if (Outstanding == 0)
        {
            Volatile.Write(ref _lastHeard, time.GetTimestamp());
        }

        Outstanding++;
        return session.SendAsync(
            new PublishRequest { SubscriptionAcknowledgements = acknowledgements },
            new PendingNotification(pool, ++_lastOrder, acknowledgements, Deliver),
            timeoutHint);
    }

    public bool TryTake(out PublishOutcome outcome)
    {
        if (_arrived.TryDequeue(out var taken))
        {
            Outstanding--;
            outcome = taken;
            return true;
        }

        outcome = null!;
        return false;
    }

    /// <summary>Asks for one notification again.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task<PublishOutcome> RepublishAsync(
        uint subscriptionId, uint number, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var answer = new TaskCompletionSource<PublishOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        await session.SendAsync(
            new RepublishRequest { SubscriptionId = subscriptionId, RetransmitSequenceNumber = number },
            new PendingNotification(pool, 0, [], o => answer.TrySetResult(o)),
            timeout);
        try
        {
            return await answer.Task.WaitAsync(timeout, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            return new PublishOutcome(new UaError(StatusCodes.BadTimeout, "no answer to Republish in time"), null, null, 0, []);
        }
    }

    private void Deliver(PublishOutcome outcome)
    {
        Volatile.Write(ref _lastHeard, time.GetTimestamp());
        _arrived.Enqueue(outcome);
        signal.Set();
    }
}
