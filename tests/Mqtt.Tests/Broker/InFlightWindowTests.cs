using ZfRepl.Mqtt.Broker;

namespace ZfRepl.Mqtt.Tests.Broker;

public sealed class InFlightWindowTests
{
    [Fact]
    public void It_behaves_like_a_list_of_unacknowledged_messages()
    {
        const int seed = 41;
        const int capacity = 7;
        var random = new Random(seed);
        var window = new InFlightWindow(capacity);
        var model = new List<(ushort Identifier, BrokerMessage Message)>();
        for (var i = 0; i < 200_000; i++)
        {
            if (random.Next(2) == 0 && window.HasRoom)
            {
                var message = Message(i);
                var identifier = window.Add(new Delivery(message, MqttQoS.AtLeastOnce, Retain: false));
                Assert.True(identifier != 0 && model.TrueForAll(m => m.Identifier != identifier), $"seed {seed}, step {i}: {identifier} is in use");
                model.Add((identifier, message));
            }
            else if (random.Next(50) == 0)
            {
                window.Rewind();
                var again = new List<(ushort, BrokerMessage)>();
                while (window.TryResend(out var delivery, out var identifier))
                {
                    again.Add((identifier, delivery.Message));
                }

                Assert.Equal(model, again);
            }
            else if (random.Next(10) == 0)
            {
                var stranger = (ushort)random.Next(65_536);
                var isKnown = model.Exists(m => m.Identifier == stranger);
                Assert.Equal(isKnown, window.Acknowledge(stranger) is not null);
                model.RemoveAll(m => m.Identifier == stranger);
            }
            else if (model.Count > 0)
            {
                var index = random.Next(4) == 0 ? random.Next(model.Count) : 0;
                Assert.Same(model[index].Message, window.Acknowledge(model[index].Identifier));
                Assert.Null(window.Acknowledge(model[index].Identifier));
                model.RemoveAt(index);
            }

            Assert.InRange(window.Span, model.Count, capacity);
        }

        Assert.Equal(model.Select(m => m.Message), window.Clear().Select(d => d.Message));
        Assert.Equal(0, window.Span);
    }

    private static BrokerMessage Message(int number) =>
        new($"t/{number}", default, MqttQoS.AtLeastOnce, retain: false, properties: null, "publisher", TimeProvider.System);
}
