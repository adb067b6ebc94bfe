"""What people are told: an event becomes a notice, notices become incidents, and a delivery shows them on a receiver.

How a message is worded and how it travels is not here but in `receivers`; who wants to hear of it says `policy`.
Read `notify` first: it calls all the others in order.
"""
