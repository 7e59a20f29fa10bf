using ZfRepl.Mqtt.Wire;

namespace ZfRepl.Mqtt.Transport;

/// <summary>Who deals with the packets of one connection.</summary>
/// <typeparam name="TEnd">How this side describes the end of a connection.</typeparam>
internal interface IPacketConsumer<TEnd>
    where TEnd : struct
{
    /// <summary>True while no more packets may be read: back-pressure.</summary>
    bool MustPause { get; }

    /// <summary>True from the moment in which the end was decided elsewhere.</summary>
    bool IsClosing { get; }

    /// <summary>Set whenever <see cref="MustPause"/> or <see cref="IsClosing"/> may have changed.</summary>
    AsyncSignal Progress { get; }

    /// <summary>Deals with one packet, whose body is valid during the call only; not null to end the connection.</summary>
    TEnd? Handle(FixedHeader header, ReadOnlyMemory<byte> body);

    /// <summary>The peer sent something that cannot be a packet.</summary>
    TEnd Violated(WireFault fault);

    /// <summary>The bytes have ended, or broke off for the stated reason.</summary>
    TEnd Ended(string why);
}

/// <summary>The reading loop that both ends of a connection run.</summary>
internal static class PacketLoop
{
    public static async Task<TEnd> RunAsync<TEnd>(FrameReader reader, IPacketConsumer<TEnd> consumer)
        where TEnd : struct
    {
        while (true)
        {
            WireFault fault;
            while (reader.TryNext(out var header, out var body, out fault))
            {
                if (consumer.Handle(header, body) is { } end)
                {
                    return end;
                }

                while (consumer.MustPause && !consumer.IsClosing)
                {
                    await consumer.Progress.WaitAsync();
                }
            }

            if (fault.IsFault)
            {
                return consumer.Violated(fault);
            }

            var outcome = await reader.FillAsync();
            if (outcome != FillOutcome.Data || consumer.IsClosing)
            {
                return consumer.Ended(outcome == FillOutcome.Failed ? reader.Error : "The peer closed the connection.");
            }
        }
    }

    /// <summary>After the loop: throws away what still arrives, so that the peer can end in order.</summary>
    public static async Task DrainAfterAsync<TEnd>(Task<TEnd> loop, FrameReader reader)
    {
        await loop;
        await reader.DrainAsync();
    }
}
