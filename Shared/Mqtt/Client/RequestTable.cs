using ZfRepl.Mqtt.Transport;

namespace ZfRepl.Mqtt.Client;

/// <summary>SUBSCRIBE and UNSUBSCRIBE packets of one connection that wait for their answer. Thread-safe.</summary>
internal sealed class RequestTable(PacketIdentifiers identifiers, MqttClientOptions options)
{
    private const int OutstandingMax = 1_024;

    private readonly Lock _gate = new();
    private readonly Dictionary<ushort, Request> _requests = [];
    private bool _isClosed;

    /// <summary>Registers a request for <paramref name="filterCount"/> filters; null when the connection is over or too many are under way.</summary>
    public (ushort Identifier, Task<MqttSubscribeResult> Answer)? Begin(int filterCount)
    {
        lock (_gate)
        {
            if (_isClosed || _requests.Count >= OutstandingMax)
            {
                return null;
            }

            var identifier = identifiers.Take();
            var answer = new TaskCompletionSource<MqttSubscribeResult>(TaskCreationOptions.RunContinuationsAsynchronously);
            _requests.Add(identifier, new Request(answer, filterCount, options.Time.TimestampAfter(options.AckTimeout)));
            return (identifier, answer.Task);
        }
    }

    /// <summary>SUBACK or UNSUBACK; false when the number of codes is not that of the request. The UNSUBACK of 3.1.1 has none.</summary>
    public bool Answer(ushort identifier, IReadOnlyList<MqttReasonCode> codes, bool mayBeEmpty)
    {
        lock (_gate)
        {
            if (!_requests.TryGetValue(identifier, out var request))
            {
                return true;
            }

            if (codes.Count != request.FilterCount && !(mayBeEmpty && codes.Count == 0))
            {
                return false;
            }

            _requests.Remove(identifier);
            identifiers.Release(identifier);
            var all = codes.Count > 0 ? codes : [.. Enumerable.Repeat(MqttReasonCode.Success, request.FilterCount)];
            request.Completion.SetResult(new MqttSubscribeResult(MqttRequestStatus.Answered, all));
            return true;
        }
    }

    /// <summary>True when an answer is overdue: then the connection is useless.</summary>
    public bool IsOverdue(long now)
    {
        lock (_gate)
        {
            return _requests.Values.Any(r => r.Deadline <= now);
        }
    }

    /// <summary>The connection is over.</summary>
    public void Close(MqttRequestStatus status)
    {
        lock (_gate)
        {
            _isClosed = true;
            foreach (var request in _requests.Values)
            {
                request.Completion.SetResult(new MqttSubscribeResult(status, []));
            }

            _requests.Clear();
        }
    }

    private sealed record Request(TaskCompletionSource<MqttSubscribeResult> Completion, int FilterCount, long Deadline);
}
